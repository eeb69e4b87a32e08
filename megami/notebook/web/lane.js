// A lane is a picture of the song to point at: a press goes to a place, a drag marks a phrase.

const DRAG_PIXELS = 8; // less is a press with an unsteady hand

/** Calls pressed(seconds) or marked({start, end}); while dragging marking({start, end}), and cancelled() if not meant. */
function listenToLane(lane, duration, { pressed, marked, marking, cancelled }) {
  const secondsAt = (event) => {
    const box = lane.getBoundingClientRect();
    return (Math.min(Math.max(0, event.clientX - box.left), box.width) / box.width) * duration;
  };
  const between = (first, second) => ({ start: Math.min(first, second), end: Math.max(first, second) });
  let from = null; // where a press began
  lane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, seconds: secondsAt(event), dragged: false };
    lane.setPointerCapture(event.pointerId);
  });
  lane.addEventListener("pointermove", (event) => {
    if (!from || (!from.dragged && Math.abs(event.clientX - from.x) < DRAG_PIXELS)) return;
    from.dragged = true;
    marking(between(from.seconds, secondsAt(event)));
  });
  lane.addEventListener("pointercancel", () => {
    from = null; // the finger scrolls the page
    cancelled();
  });
  lane.addEventListener("pointerup", (event) => {
    if (!from) return;
    if (from.dragged) marked(between(from.seconds, secondsAt(event)));
    else pressed(from.seconds);
    from = null;
  });
}
