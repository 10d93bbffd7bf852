// Four things of 16 bits, from four places and back.
// What stands at four addresses, in the first four lanes and again in the others.
@inline
export function inLanes(a: usize, b: usize, c: usize, d: usize): v128 {
  let lanes = v128.load_splat<u16>(a);
  lanes = v128.load_lane<u16>(b, lanes, 1);
  lanes = v128.load_lane<u16>(c, lanes, 2);
  lanes = v128.load_lane<u16>(d, lanes, 3);
  return v128.shuffle<i64>(lanes, lanes, 0, 0);
}

// Puts the first four lanes where `inLanes` took them from.
@inline
export function keepLanes(lanes: v128, a: usize, b: usize, c: usize, d: usize): void {
  v128.store_lane<u16>(a, lanes, 0);
  v128.store_lane<u16>(b, lanes, 1);
  v128.store_lane<u16>(c, lanes, 2);
  v128.store_lane<u16>(d, lanes, 3);
}
