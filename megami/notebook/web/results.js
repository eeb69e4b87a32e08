// Results that a reader takes away: a file, or text to copy where a frame may not hand out files.

/** Fills the elements of results.html. value: what becomes JSON. */
function showResults(widget, fileName, value) {
  const { $ } = widget;
  const text = JSON.stringify(value, null, 2);
  const area = $(".results textarea");
  area.value = text;
  $(".results .save").onclick = () => {
    download(fileName, "application/json", `${text}\n`);
    widget.say(`Saved as ${fileName}. If nothing was saved, this page may not hand out files: copy the text instead.`);
  };
  $(".results .copy").onclick = async () => {
    try {
      await navigator.clipboard.writeText(text);
      widget.say("Copied.");
    } catch {
      $(".results details").open = true;
      await new Promise((resolve) => setTimeout(resolve)); // after the click the panel takes the focus (widget.js)
      area.focus();
      area.select();
      widget.say("The text is selected: copy it with Ctrl+C, or ⌘C on a Mac.");
    }
  };
  // A frame of an unknown origin is a sandbox, which most often forbids downloads.
  $(".results details").open = window !== window.top && window.origin === "null";
}
