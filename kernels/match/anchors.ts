// The index of anchors; src/kernels/anchors.ts is the plain reference and says what each step is for. Memory, from low to
// high: the gear table, the bytes to look at, what was found, slots of a hash and a place in units of 16 bytes each.
const WINDOW: i32 = 32;
const MAX_SAME: i32 = 4;
const GEAR: usize = 1024;
const BYTES: usize = GEAR + 4 * 256;
const ROOM: usize = 1 << 14;
const FOUND: usize = BYTES + ROOM;
// Per window: how many places, and the places.
const SLOTS: usize = FOUND + 4 * 5 * ROOM;

let slotMask: u32 = 0;
let most: i32 = 0;
let shift: i32 = 0;
let count: i32 = 0;
let hash: i32 = 0;
let run: i32 = 0;

export function gearAt(): usize {
  return GEAR;
}

export function bytesAt(): usize {
  return BYTES;
}

export function foundAt(): usize {
  return FOUND;
}

// `slots` is a power of two. 0 when there is not so much memory.
export function configure(slots: i32, sampleBits: i32): bool {
  slotMask = <u32>(slots - 1);
  most = <i32>((<i64>slots * 3) >> 2);
  shift = 32 - sampleBits;
  const pages = <i32>((SLOTS + (<usize>slots << 3) + 0xffff) >>> 16) - memory.size();
  return pages <= 0 || memory.grow(pages) >= 0;
}

// What comes next does not go on from what was there.
export function restart(): void {
  hash = 0;
  run = 0;
}

@inline
function slotOf(value: i32): u32 {
  return (<u32>(value * 0x2545f491) >>> 7) & slotMask;
}

@inline
function step(at: usize): bool {
  hash = (hash << 1) + load<i32>(GEAR + (<usize>load<u8>(at) << 2));
  if (run < WINDOW) run++;
  return <u32>hash >>> shift === 0 && run >= WINDOW;
}

// Adds the windows that end in the first `length` bytes, which stand at `address`.
export function add(length: i32, address: f64): void {
  const start = <i64>address + 1 - WINDOW;
  for (let i: i32 = 0; i < length; i++) {
    if (step(BYTES + <usize>i)) insert(<u32>((start + i) >> 4) + 1);
  }
}

function insert(unit: u32): void {
  if (count > most) return;
  let same: i32 = 0;
  let slot = slotOf(hash);
  let at = SLOTS + (<usize>slot << 3);
  while (load<u32>(at, 4) !== 0) {
    if (load<i32>(at) === hash && ++same === MAX_SAME) return;
    slot = (slot + 1) & slotMask;
    at = SLOTS + (<usize>slot << 3);
  }
  store<i32>(at, hash);
  store<u32>(at, unit, 4);
  count++;
}

// Looks up the windows that end in the first `length` bytes; answers how many words were written.
export function find(length: i32): i32 {
  let out = FOUND;
  for (let i: i32 = 0; i < length; i++) {
    if (!step(BYTES + <usize>i)) continue;
    let places: i32 = 0;
    let slot = slotOf(hash);
    let at = SLOTS + (<usize>slot << 3);
    while (load<u32>(at, 4) !== 0) {
      if (load<i32>(at) === hash) store<u32>(out + (<usize>++places << 2), load<u32>(at, 4));
      slot = (slot + 1) & slotMask;
      at = SLOTS + (<usize>slot << 3);
    }
    if (places === 0) continue;
    store<u32>(out, places);
    out += <usize>(places + 1) << 2;
  }
  return <i32>((out - FOUND) >>> 2);
}
