// The matcher of Go's compress/flate up to 1.26, levels 2 to 9; src/deflate/go-legacy/hash-chain.ts is its plain
// reference and says what each step is for. Everything lies at fixed places in memory; positions are indices.

const BUFFER: usize = 1024;
const BUFFER_BYTES: i32 = 65536;
const HEAD: usize = BUFFER + 65536 + 1024;
const PREVIOUS: usize = HEAD + 4 * (1 << 17);
const TOKENS: usize = PREVIOUS + 4 * 32768;
const WINDOW: i32 = 32768;
const LOOKAHEAD: i32 = 262;
const BLOCK_TOKENS: i32 = 16384;
const LARGEST_BASE: i32 = 1 << 24;

let lazy: i32 = 0;
let nice: i32 = 0;
let chain: i32 = 0;
let fastSkip: i32 = 0;
let tokenCount: i32 = 0;
let index: i32 = 0;
let end: i32 = 0;
let base: i32 = 1;
let chainHead: i32 = -1;
let length: i32 = 3;
let distance: i32 = 0;
let literalPending: bool = false;
let blockEnd: i32 = 0;

export function bufferAt(): usize {
  return BUFFER;
}

export function tokensAt(): usize {
  return TOKENS;
}

export function configure(wantedLazy: i32, wantedNice: i32, wantedChain: i32, wantedSkip: i32): void {
  lazy = wantedLazy;
  nice = wantedNice;
  chain = wantedChain;
  fastSkip = wantedSkip;
}

export function reset(): void {
  base += BUFFER_BYTES;
  if (base > LARGEST_BASE) {
    memory.fill(HEAD, 0, 4 * (1 << 17));
    memory.fill(PREVIOUS, 0, 4 * 32768);
    base = 1;
  }
  tokenCount = 0;
  index = 0;
  end = 0;
  chainHead = -1;
  length = 3;
  distance = 0;
  literalPending = false;
}

// Where the next bytes go; their number is at most `room`.
export function endIndex(): i32 {
  return end;
}

// Says that `count` bytes were put at the end.
export function filled(count: i32): void {
  end += count;
}

// Whether the buffer must slide before it can be filled.
export function wantsSlide(): bool {
  return index >= BUFFER_BYTES - LOOKAHEAD;
}

export function slide(): void {
  memory.copy(BUFFER, BUFFER + WINDOW, WINDOW);
  index -= WINDOW;
  end -= WINDOW;
  base += WINDOW;
  if (base <= LARGEST_BASE) return;
  const delta = base - 1;
  base = 1;
  chainHead -= delta;
  for (let at: usize = HEAD; at < TOKENS; at += 4) {
    const entry = load<i32>(at);
    store<i32>(at, entry > delta ? entry - delta : 0);
  }
}

export function takeTokens(): i32 {
  const count = tokenCount;
  tokenCount = 0;
  return count;
}

export function blockEndIndex(): i32 {
  return blockEnd;
}

// Goes on matching; 1 when a block is full (to be taken before the next call), 0 when there is no more to see.
export function run(toEnd: bool): i32 {
  return lazy > 0 ? runLazy(toEnd) : runGreedy(toEnd);
}

// After the last byte: the pending literal; returns where the block ends.
export function finishBlock(): i32 {
  if (literalPending) {
    push(<u32>load<u8>(BUFFER + <usize>(index - 1)));
    literalPending = false;
  }
  return index;
}

@inline
function push(token: u32): void {
  store<u32>(TOKENS + (<usize>tokenCount << 2), token);
  tokenCount++;
}

@inline
function hashAt(at: i32): usize {
  const word = bswap<u32>(load<u32>(BUFFER + <usize>at));
  return HEAD + (<usize>((word * 0x1e35a7bd) >> 15) << 2);
}

@inline
function insert(at: i32): void {
  const slot = hashAt(at);
  store<i32>(PREVIOUS + (<usize>(at & 32767) << 2), load<i32>(slot));
  store<i32>(slot, at + base);
}

function runLazy(toEnd: bool): i32 {
  const stop = toEnd ? end : end - LOOKAHEAD + 1;
  const maxInsert = end - 3;
  while (index < stop) {
    if (index < maxInsert) {
      const slot = hashAt(index);
      chainHead = load<i32>(slot);
      store<i32>(PREVIOUS + (<usize>(index & 32767) << 2), chainHead);
      store<i32>(slot, index + base);
    }
    const lastLength = length;
    const lastDistance = distance;
    length = 3;
    distance = 0;
    const candidate = chainHead - base;
    const look = end - index;
    if (candidate >= 0 && candidate >= index - WINDOW && look > lastLength && lastLength < lazy) {
      search(candidate, look);
    }
    if (lastLength >= 4 && length <= lastLength) {
      push((<u32>lastLength << 16) | <u32>lastDistance);
      const next = index + lastLength - 1;
      const insertEnd = min(next, maxInsert);
      for (let at = index + 1; at < insertEnd; at++) insert(at);
      index = next;
      literalPending = false;
      length = 3;
      if (tokenCount === BLOCK_TOKENS) {
        blockEnd = index;
        return 1;
      }
    } else {
      const isPending = literalPending;
      if (isPending) push(<u32>load<u8>(BUFFER + <usize>(index - 1)));
      index++;
      literalPending = true;
      if (isPending && tokenCount === BLOCK_TOKENS) {
        blockEnd = index - 1;
        return 1;
      }
    }
  }
  return 0;
}

function runGreedy(toEnd: bool): i32 {
  const stop = toEnd ? end : end - LOOKAHEAD + 1;
  const maxInsert = end - 3;
  while (index < stop) {
    if (index < maxInsert) {
      const slot = hashAt(index);
      chainHead = load<i32>(slot);
      store<i32>(PREVIOUS + (<usize>(index & 32767) << 2), chainHead);
      store<i32>(slot, index + base);
    }
    const candidate = chainHead - base;
    const look = end - index;
    length = 3;
    if (candidate >= 0 && candidate >= index - WINDOW && look > 3) search(candidate, look);
    if (length < 4) {
      push(<u32>load<u8>(BUFFER + <usize>index));
      index++;
    } else {
      push((<u32>length << 16) | <u32>distance);
      const next = index + length;
      if (length <= fastSkip) {
        const insertEnd = min(next, maxInsert);
        for (let at = index + 1; at < insertEnd; at++) insert(at);
      }
      index = next;
    }
    if (tokenCount === BLOCK_TOKENS) {
      blockEnd = index;
      return 1;
    }
  }
  return 0;
}

function search(candidate: i32, look: i32): void {
  const limit = min(look, 258);
  const wantedLength = min(nice, limit);
  const oldest = index - WINDOW;
  const lowest = max(oldest, 0);
  const here = BUFFER + <usize>index;
  let best: i32 = 3;
  let bestDistance: i32 = 0;
  // To beat the best, the four bytes up to and with the one behind it must match.
  let wanted = load<u32>(here);
  let at = candidate;
  for (let tries = chain; tries > 0; tries--) {
    const there = BUFFER + <usize>at;
    if (load<u32>(there + <usize>(best - 3)) === wanted) {
      const found = common(here, there, limit);
      if (found > best && (found > 4 || index - at <= 4096)) {
        best = found;
        bestDistance = index - at;
        if (found >= wantedLength) break;
        wanted = load<u32>(here + <usize>(best - 3));
      }
    }
    if (at === oldest) break;
    at = load<i32>(PREVIOUS + (<usize>(at & 32767) << 2)) - base;
    if (at < lowest) break;
  }
  if (bestDistance !== 0) {
    length = best;
    distance = bestDistance;
  }
}

@inline
function common(here: usize, there: usize, limit: i32): i32 {
  let count: i32 = 0;
  while (count + 8 <= limit) {
    const difference = load<u64>(here + <usize>count) ^ load<u64>(there + <usize>count);
    if (difference !== 0) return count + <i32>(ctz(difference) >> 3);
    count += 8;
  }
  while (count < limit && load<u8>(here + <usize>count) === load<u8>(there + <usize>count)) count++;
  return count;
}
