// Light or dark before anything is drawn: as chosen with the key T, else as the reader's system is. Paper is light.
{
  const KEY = "megami-slides-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const printing = location.search.includes("print-pdf");
  const chosen = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a page that may store nothing
    }
  };
  const show = () => {
    const theme = printing ? "light" : (chosen() ?? (system.matches ? "dark" : "light"));
    document.documentElement.dataset.theme = theme;
  };
  window.megamiSlidesTheme = {
    /** The other of light and dark, from now on. */
    toggle() {
      const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = theme;
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // It holds until the page is left.
      }
    },
  };
  system.addEventListener("change", show);
  show();
}
