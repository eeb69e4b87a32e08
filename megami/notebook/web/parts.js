// What the parts give to the widgets' own scripts, which are functions of them (bundle.py).

const PARTS = {
  Widget, startWidgets, Transport, makeEngine, BufferEngine, StreamEngine, sharedAudioContext, compressedBytes, minutes,
  positionAfter, FADE_SECONDS, LEAD_SECONDS,
  listenToLane, drawOverview, overviewOf, brightnessRamp, hexToRgb, mixColours, isDarkBehind, followTheme,
  Memory, download, chooseTextFile, shuffled, Listened, showResults,
};
