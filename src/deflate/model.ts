/**
 * What every engine offers: plain bytes in, exactly the bits one real encoder would write out. An engine is frozen
 * once released: the same calls give the same bytes for ever, or it gets a new version.
 */
export interface DeflateModel {
  /** Takes plain bytes; they are copied. Output does not depend on how they are cut. */
  write(bytes: Uint8Array): void;
  /** Does what the encoder does when its user asks for a flush at this point. */
  flush(): void;
  /** Ends the DEFLATE stream on a byte boundary and hands out the rest of it. */
  finish(): void;
  /** Makes ready for the next, independent stream. To be called after `finish` only. */
  reset(): void;
}
