// Who hears what in which order: random, and the same whenever it is made again from the same words.

/** Random numbers from 0 to 1 that follow from a text: FNV-1a for the seed, then mulberry32. */
function seededRandom(text) {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) state = Math.imul(state ^ byte, 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The screens of a test [{kind, page, order: [{version, repeat}], starts}]. Pages of one kind stay together. order:
 * which version has the first number (or letter), the second ...; starts: where each handle first stands, per question.
 */
function planOf(pages, seed) {
  const random = seededRandom(seed);
  const kinds = [...new Set(pages.map((page) => page.kind))];
  const inOrder = kinds.flatMap((kind) => {
    const own = pages.map((_, index) => index).filter((index) => pages[index].kind === kind);
    return shuffled(own.length, random).map((place) => own[place]);
  });
  return inOrder.flatMap((index) => {
    const page = pages[index];
    const screens = page.kind === "rating" ? [ratingScreen(page, random)] : pairScreens(page, random);
    return screens.map((screen) => ({ ...screen, kind: page.kind, page: index }));
  });
}

function ratingScreen(page, random) {
  const versions = page.sounds.map((_, version) => ({ version, repeat: false }));
  if (page.repeat !== null) versions.push({ version: page.repeat, repeat: true });
  const order = shuffled(versions.length, random).map((place) => versions[place]);
  return { order, starts: page.questions.map(() => order.map(() => 10 + Math.floor(81 * random()))) };
}

function pairScreens(page, random) {
  return shuffled(page.pairs.length, random).map((place) => {
    const pair = random() < 0.5 ? page.pairs[place] : [...page.pairs[place]].reverse();
    return { order: pair.map((version) => ({ version, repeat: false })) };
  });
}
