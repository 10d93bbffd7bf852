/** Tells V8 what matters to commands that move whole images. */

/**
 * Much of the work makes short-lived garbage, for which V8 lets its heap grow by some 20 to 40 MB, unless it is told that
 * memory matters more: on small devices it does, and it costs no measurable time here. To be called before the work starts.
 */
export async function preferMemory(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--optimize-for-size');
  // The space for new objects stays small: collecting it more often is cheap where little of it lives on.
  setFlagsFromString('--semi-space-growth-factor=1');
  // Much of the code runs for a part of a second, and is faster left alone than compiled with care: that pays only where
  // a function has run for some milliseconds. Version 20 of node would begin after an eighth of this; later ones have
  // no such flag, compile quickly first, and say so aloud when a flag isn't known.
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=1000000');
  // The optimising compiler takes its memory from the system, and keeps it: by what it inlines, up to 10 MB more. The
  // hot loops are WebAssembly, and don't miss it.
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=200');
  setFlagsFromString('--max-inlined-bytecode-size=100');
}
