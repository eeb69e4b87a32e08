"""A participant of a listening test, who has a keyboard and no mouse."""

from __future__ import annotations

from reader import Reader
from selenium.webdriver.common.keys import Keys


class Participant(Reader):
    """Takes the test by keyboard alone, and remembers what was answered."""

    def tab_to(self, expression: str) -> None:
        """Go on with the Tab key until the focused element is the one that is meant."""
        for _ in range(60):
            if self.ask(f"(element => Boolean(element && ({expression})))(root.activeElement)"):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"the keyboard does not reach: {expression}")

    def start(self, code: str = "") -> None:
        if code:
            self.tab_to("element.name === 'id'")
            self.press(Keys.END, *[Keys.BACKSPACE] * 12, code)
        self.tab_to("element.name === 'experience'")
        self.press(Keys.ARROW_DOWN)
        self.tab_to("element.name === 'playback'")
        self.press(Keys.ARROW_DOWN)
        self.go_on()

    def go_on(self) -> None:
        self.tab_to("element.matches('.next')")
        self.press(Keys.ENTER)

    def listen(self, key: str) -> None:
        self.press(key)
        index = self.ask("widget.screen.labels").index(key.upper())
        self.wait_for(f"widget.screen.isHeard({index})")

    def labels(self) -> list[str]:
        return self.ask("widget.screen.labels")

    def train(self) -> None:
        for label in self.labels():
            self.listen(label)
        self.go_on()

    def rate(self, keys: dict[str, list[str]]) -> dict[str, list[int]]:
        """Move the handles of each question by keys; where they stand afterwards, from what a screen reader is told."""
        for number, moves in enumerate(keys.values()):
            self.tab_to(f"widget.screen.axes[{number}].element.contains(element)")
            for label, key in zip(self.labels(), moves, strict=True):
                self.listen(label)
                self.press(key)
        shown = self.ask(
            "widget.screen.axes.map((axis) => [...axis.element.querySelectorAll('[role=slider]')]"
            ".map((handle) => Number(handle.getAttribute('aria-valuenow'))))"
        )
        return dict(zip(keys, shown[: len(keys)], strict=True))
