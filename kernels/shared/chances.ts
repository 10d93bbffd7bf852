// What the coders of docs/coder.md have in common: chances of 4096 and what they are stretched to, and points of
// refiners. Whoever uses it has put the tables of mix-tables.ts at these addresses.

export const SQUASH: usize = 1024;
export const STRETCH: usize = SQUASH + 2 * 4096;
export const TABLES_END: usize = STRETCH + 2 * 4096;
export const POINTS: i32 = 33;

@inline
export function squash(d: i32): i32 {
  return <i32>load<i16>(SQUASH + (<usize>(d + 2048) << 1));
}

@inline
export function stretch(chance: u32): i32 {
  return <i32>load<i16>(STRETCH + (<usize>chance << 1));
}

@inline
export function hash(a: u32, b: u32): u32 {
  const mixed = (a ^ (b * 0x9e3779b1)) * 0x85ebca6b;
  return mixed ^ (mixed >> 15);
}

@inline
export function between(at: usize, weight: i32): i32 {
  return (<i32>load<u16>(at) * (128 - weight) + <i32>load<u16>(at, 2) * weight) >> 7;
}

// Makes the points of all rows from `at` to `end` what they are at first.
@inline
export function fillRows(at: usize, end: usize): void {
  for (let point = 0; at < end; at += 2) {
    store<u16>(at, <u16>(16 * squash(max(-2047, min(2047, point * 128 - 2048)))));
    if (++point === POINTS) point = 0;
  }
}

// Moves a chance of 65536 by so much of what it is off: a 32nd for 5.
@inline
export function towards(at: usize, bit: i32, share: i32): void {
  const chance = <i32>load<u16>(at);
  store<u16>(at, <u16>(bit !== 0 ? chance + ((65535 - chance) >> share) : chance - (chance >> share)));
}
