// Chooses windows by their gear hash, for the index of anchors; src/kernels/anchors.ts is the plain reference and says what
// that is for. The index itself is plain code over memory that threads share: few windows come there. Memory, from low to
// high: the gear table, the bytes to look at, what was chosen.
const WINDOW: i32 = 32;
const GEAR: usize = 1024;
const BYTES: usize = GEAR + 4 * 256;
const ROOM: usize = 1 << 14;
const CHOSEN: usize = BYTES + ROOM;

let hash: i32 = 0;
let run: i32 = 0;

export function gearAt(): usize {
  return GEAR;
}

export function bytesAt(): usize {
  return BYTES;
}

export function chosenAt(): usize {
  return CHOSEN;
}

// What comes next does not go on from what was there.
export function restart(): void {
  hash = 0;
  run = 0;
}

// Of the windows that end in the first `length` bytes, those whose hash has its `sampleBits` highest bits zero: the place
// of the last byte and the hash of each. Answers how many there are.
export function scan(length: i32, sampleBits: i32): i32 {
  const shift = 32 - sampleBits;
  let out = CHOSEN;
  let rolling = hash;
  let short = max(0, WINDOW - 1 - run);
  for (let i: i32 = 0; i < length; i++) {
    rolling = (rolling << 1) + load<i32>(GEAR + (<usize>load<u8>(BYTES + <usize>i) << 2));
    if (<u32>rolling >>> shift !== 0 || i < short) continue;
    store<i32>(out, i);
    store<i32>(out, rolling, 4);
    out += 8;
  }
  hash = rolling;
  run = min(WINDOW, run + length);
  return <i32>((out - CHOSEN) >>> 3);
}
