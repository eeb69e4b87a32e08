// A deck of slides: keys, sizes, and sound that ends with its slide. On a phone, and without this script, the deck is a
// page to scroll.

{
  const WIDTH = 1280;
  const HEIGHT = 720;
  const PHONE_PIXELS = 640;
  const ZOOMS = [1.8, 1.65, 1.5, 1.4, 1.3, 1.2, 1.1, 1, 0.92, 0.85, 0.78, 0.7, 0.64]; // of what is played or seen
  const WORD_ZOOMS = [1, 0.93, 0.86, 0.8, 0.74]; // of text, where nothing else helps
  const ALONE_ZOOMS = [1.25, 1.15, 1.07]; // of text that has its slide for itself
  const FREE_KEYS = ["PageUp", "PageDown"]; // what a clicker sends: always for the slides
  const PLAY_EVENT = "megami-play"; // all widgets but the one that sends it pause

  const deck = document.querySelector(".deck");
  const printing = location.search.includes("print-pdf");

  /** Does everything on a slide lie inside it? */
  const holds = (box) => box.scrollHeight <= box.clientHeight + 1 && box.scrollWidth <= box.clientWidth + 1;
  const fits = (body) => [body, ...body.querySelectorAll("pre")].every(holds); // what is printed scrolls in its own box

  /**
   * Makes what is played or seen as large as the slide allows. Where it would become smaller than in the book, the rest
   * of the slide draws together first; where it does not fit at its smallest, text shrinks as well. If even that does
   * not help, as with a console of many tracks, the slide can be scrolled.
   */
  function fit(body) {
    if (!body.clientHeight) return;
    const media = body.querySelectorAll(".media");
    const words = body.querySelectorAll(".words");
    body.classList.remove("scrolls");
    const set = (elements, zoom) => elements.forEach((element) => (element.style.zoom = zoom));
    for (const tight of [false, true]) {
      body.classList.toggle("tight", tight);
      for (const wordZoom of media.length ? WORD_ZOOMS.slice(0, tight ? 5 : 1) : [...ALONE_ZOOMS, ...WORD_ZOOMS]) {
        set(words, wordZoom);
        for (const zoom of media.length ? ZOOMS.filter((size) => tight || size >= 1) : [1]) {
          set(media, zoom);
          if (fits(body)) return;
        }
      }
    }
    body.classList.add("scrolls");
  }

  const fitAll = () => document.querySelectorAll(".body").forEach(fit);

  /** The widget that has the focus, if any. */
  const focused = () => document.activeElement?.closest(".megami-widget");

  /** Is a key the slides'? Keys in a widget are the widget's, but those of a clicker, and Escape gives the keys back. */
  function isForSlides(event) {
    if (!focused() || FREE_KEYS.includes(event.key)) return true;
    if (event.key === "Escape" && !event.defaultPrevented) document.activeElement.blur();
    return false;
  }

  function leaveSlide() {
    focused() && document.activeElement.blur();
    document.dispatchEvent(new CustomEvent(PLAY_EVENT));
  }

  function present() {
    deck.classList.add("reveal");
    deck.querySelectorAll("audio").forEach((element) => element.setAttribute("data-ignore", "")); // widgets play them
    deck.querySelectorAll(".media").forEach((element) => element.setAttribute("data-prevent-swipe", ""));
    Reveal.initialize({
      width: WIDTH,
      height: HEIGHT,
      margin: 0,
      maxScale: 4,
      center: false,
      hash: true,
      navigationMode: "linear", // arrows and clickers meet every slide: one that stands below is not passed over
      slideNumber: "c/t",
      transition: "none",
      autoPlayMedia: false,
      pdfSeparateFragments: false,
      pdfMaxPagesPerSlide: 1,
      scrollActivationWidth: null,
      keyboardCondition: isForSlides,
      keyboard: { 84: () => window.megamiSlidesTheme.toggle() },
      plugins: [RevealNotes],
    });
    const follow = new ResizeObserver((changes) => changes.forEach(({ target }) => fit(target.closest(".body"))));
    deck.querySelectorAll(".words, .media").forEach((element) => follow.observe(element));
    Reveal.on("ready", fitAll);
    Reveal.on("pdf-ready", fitAll);
    Reveal.on("slidechanged", () => {
      leaveSlide();
      fitAll();
    });
    addEventListener("load", () => {
      fitAll();
      window.MathJax?.startup?.promise?.then(fitAll);
      document.fonts?.ready.then(fitAll);
    });
  }

  const inSpeakersWindow = location.search.includes("receiver"); // as a small picture of a slide
  if (printing || inSpeakersWindow || innerWidth >= PHONE_PIXELS) present();
  else document.documentElement.classList.add("flow");
}
