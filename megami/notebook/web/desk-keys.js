// Keys of the mixing desk, and the names that its sliders lack: letters press the buttons that show them.
{
  const typing = "textarea, select, input:not([type=range]):not([type=checkbox])";

  const label = (root) => {
    root.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the letters
    for (const slider of root.querySelectorAll(".widget-slider")) {
      const words = slider.querySelector("label")?.textContent ?? "";
      const track = slider.closest(".widget-vbox")?.querySelector(":scope > .widget-label")?.textContent;
      const name = track ? `${track}: ${words}` : words;
      slider.querySelector(".noUi-handle")?.setAttribute("aria-label", name);
      const readout = slider.querySelector(".widget-readout");
      readout?.setAttribute("aria-label", `${name}, as a number`);
      readout?.setAttribute("role", "textbox");
    }
    for (const choice of root.querySelectorAll(".widget-dropdown")) {
      const track = choice.closest(".widget-vbox")?.querySelector(":scope > .widget-label")?.textContent;
      const words = choice.querySelector("label")?.textContent ?? "";
      choice.querySelector("select")?.setAttribute("aria-label", track ? `${track}: ${words}` : words);
    }
    root.querySelector(".megami-desk-status")?.setAttribute("role", "status");
  };

  const begin = (root) => {
    if (root.megamiDesk) return;
    root.megamiDesk = true;
    label(root);
    let due = 0;
    new MutationObserver(() => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => label(root));
    }).observe(root, { childList: true, subtree: true });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const at = event.composedPath()[0];
      const here = root.contains(event.target) || (at === document.body && root.getClientRects().length);
      if (!here || at.isContentEditable || at.matches?.(typing)) return;
      const pressed = root.querySelector(`.megami-desk-key-${CSS.escape(event.key.toLowerCase())}`);
      if (!pressed || pressed.disabled || event.key.length > 1) return;
      event.preventDefault();
      pressed.click();
    });
  };

  const look = (tries) => {
    const found = document.querySelectorAll(".megami-desk");
    found.forEach(begin);
    if (!found.length && tries) setTimeout(() => look(tries - 1), 100);
  };
  look(100);
}
