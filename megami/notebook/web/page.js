// The tabs of a listening page, and which take's console is shown. Without scripts all of it is shown.
{
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const panels = tabs.map((tab) => document.getElementById(tab.getAttribute("aria-controls")));
  const quiet = () => document.dispatchEvent(new CustomEvent("megami-play")); // all widgets pause

  const choose = (chosen) => {
    quiet();
    tabs.forEach((tab, number) => {
      tab.setAttribute("aria-selected", number === chosen);
      tab.tabIndex = number === chosen ? 0 : -1;
      panels[number].hidden = number !== chosen;
    });
  };
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => choose(number));
    tab.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: number - 1, ArrowRight: number + 1, Home: 0, End: tabs.length - 1 };
      if (!Object.hasOwn(steps, event.key)) return;
      event.preventDefault(); // the player, which listens to the page's keys, leaves it alone
      const next = (steps[event.key] + tabs.length) % tabs.length;
      choose(next);
      tabs[next].focus();
    });
  });

  const select = document.querySelector(".take-choice select");
  const takes = [...document.querySelectorAll(".take")];
  const showTake = () => takes.forEach((take, number) => (take.hidden = number !== select.selectedIndex));
  select.addEventListener("change", () => (quiet(), showTake()));
  showTake();
  document.querySelector('[role="tablist"]').hidden = false;
  choose(0);
}
