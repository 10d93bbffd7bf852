// How far two runs of bytes go on alike, mismatches included; src/kernels/extend.ts is the plain reference and says what
// each is for. Eight equal bytes are one step: the score only rises over them, so its best place is their end.

export function extendForward(old: usize, next: usize, limit: i32): i32 {
  let score: i32 = 0;
  let best: i32 = 0;
  let bestScore: i32 = 0;
  let length: i32 = 0;
  while (length < limit) {
    if (length + 8 <= limit && load<u64>(old + <usize>length) === load<u64>(next + <usize>length)) {
      score += 8;
      length += 8;
    } else {
      score += load<u8>(old + <usize>length) === load<u8>(next + <usize>length) ? 1 : -1;
      length++;
    }
    if (score > bestScore) {
      bestScore = score;
      best = length;
    }
  }
  return best;
}

export function extendBackward(old: usize, next: usize, limit: i32): i32 {
  let score: i32 = 0;
  let best: i32 = 0;
  let bestScore: i32 = 0;
  let length: i32 = 0;
  while (length < limit) {
    if (length + 8 <= limit && load<u64>(old - <usize>length - 8) === load<u64>(next - <usize>length - 8)) {
      score += 8;
      length += 8;
    } else {
      length++;
      score += load<u8>(old - <usize>length) === load<u8>(next - <usize>length) ? 1 : -1;
    }
    if (score > bestScore) {
      bestScore = score;
      best = length;
    }
  }
  return best;
}

export function bestSplit(first: usize, next: usize, second: usize, overlap: i32): i32 {
  let gain: i32 = 0;
  let bestGain: i32 = 0;
  let best: i32 = 0;
  for (let kept: i32 = 0; kept < overlap; kept++) {
    const byte = load<u8>(next + <usize>kept);
    if (byte === load<u8>(first + <usize>kept)) gain++;
    if (byte === load<u8>(second + <usize>kept)) gain--;
    if (gain > bestGain) {
      bestGain = gain;
      best = kept + 1;
    }
  }
  return best;
}

// Equal bytes among `count`, eight at a time.
export function equalBytes(one: usize, other: usize, count: i32): i32 {
  let equal: i32 = 0;
  let at: i32 = 0;
  for (; at + 8 <= count; at += 8) {
    const difference = load<u64>(one + <usize>at) ^ load<u64>(other + <usize>at);
    // The high bit of each byte is set where the byte is not zero.
    const marks = ((difference & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f) | difference;
    equal += 8 - <i32>popcnt(marks & 0x8080808080808080);
  }
  for (; at < count; at++) if (load<u8>(one + <usize>at) === load<u8>(other + <usize>at)) equal++;
  return equal;
}
