// How many bytes are equal from two addresses on, `most` at most; eight at a time.
@inline
export function commonBytes(one: usize, other: usize, most: i32): i32 {
  let same: i32 = 0;
  while (same + 8 <= most) {
    const difference = load<u64>(one + <usize>same) ^ load<u64>(other + <usize>same);
    if (difference !== 0) return same + <i32>(ctz(difference) >> 3);
    same += 8;
  }
  while (same < most && load<u8>(one + <usize>same) === load<u8>(other + <usize>same)) same++;
  return same;
}
