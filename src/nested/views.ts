/**
 * Views: opened parts of the base, as further addresses behind the base's own. Each may be taken from any address before
 * it, so from within a view too. Their bytes go to a scratch file, and are never more than was said (docs/format.md,
 * "Views").
 */
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile } from '../bytes/file.ts';
import { type Cursor, pushVarint, readVarint, unzigzag, zigzag } from '../bytes/varint.ts';
import { Inflater } from '../deflate/inflate.ts';
import { corrupt } from '../errors.ts';
import { isBitcode } from './bitcode/bitcode.ts';
import { FORM_BITCODE, FORM_DIRECTORY, FORM_ENTRY, FORM_STRINGS, type Form, MAX_VIEWS } from './forms.ts';
import { openPart } from './open-part.ts';
import { isStrings } from './strings/open-strings.ts';

/** Where a view is taken from. */
export interface ViewSource {
  readonly form: Form;
  readonly address: number;
}

export interface View extends ViewSource {
  /** The first address that its source does not have. */
  readonly end: number;
  /** Where it begins in the space with all views. */
  readonly viewAddress: number;
  readonly sizeBytes: number;
}

/** The base space with views behind it; grows with every view. */
export interface ViewedSpace extends RandomAccess {
  /**
   * Opens a part of what is there so far, of at most `mostBytes`. Throws CORRUPT_INPUT when there is none of this form,
   * and leaves everything as it was.
   */
  open(source: ViewSource, mostBytes: number): View;
  close(): void;
}

const FORM_BITS = 2;
/** In the list, of all forms from this on: what stands at the address tells which. */
const FORM_OTHER = FORM_DIRECTORY;

export function openViewedSpace(base: RandomAccess, tempDirectory: string): ViewedSpace {
  const opened = new Set<number>();
  const inflater = new Inflater();
  let scratch: ReturnType<typeof openTempFile> | undefined;
  const sizeBytes = () => base.sizeBytes + (scratch?.sizeBytes ?? 0);
  const space: ViewedSpace = {
    get sizeBytes() {
      return sizeBytes();
    },
    ranges: base.ranges && (() => [...base.ranges!(), ...(scratch?.ranges?.() ?? [])]),
    readAt(position, into) {
      const inBase = Math.max(0, Math.min(into.length, base.sizeBytes - position));
      if (inBase > 0) base.readAt(position, into.subarray(0, inBase));
      if (inBase === into.length) return;
      if (scratch === undefined) throw new RangeError(`read at ${position} is outside of the base`);
      scratch.readAt(position + inBase - base.sizeBytes, into.subarray(inBase));
    },
    open(source, mostBytes) {
      scratch ??= openTempFile(tempDirectory);
      const file = scratch;
      const before = file.sizeBytes;
      const viewAddress = base.sizeBytes + before;
      // What is being written is not to be read at the same time.
      const fixed: RandomAccess = { sizeBytes: viewAddress, readAt: space.readAt };
      const options = { inflater, mostBytes, isOpened: (address: number) => opened.has(address) };
      try {
        const { plainBytes, end } = openPart(fixed, source.form, source.address, options, (piece) =>
          file.append(piece),
        );
        if (plainBytes === 0) throw corrupt(`the part at ${source.address} is empty when it is opened`);
        if (source.form === FORM_ENTRY) opened.add(source.address);
        return { ...source, end, viewAddress, sizeBytes: plainBytes };
      } catch (error) {
        if (file.sizeBytes > before) file.truncate(before);
        throw error;
      }
    },
    close() {
      scratch?.close();
    },
  };
  return space;
}

/** The list of views, in the order in which they are opened. */
export function encodeViews(
  views: readonly { readonly form: Form; readonly address: number; readonly end: number }[],
): Uint8Array {
  const out: number[] = [];
  let place = 0;
  for (const { form, address, end } of views) {
    pushVarint(out, zigzag(address - place) * (1 << FORM_BITS) + Math.min(form, FORM_OTHER));
    place = end;
  }
  return Uint8Array.from(out);
}

/** Opens all views of `list`, which must come to just `plainBytes`; `onView` is told of each. Throws CORRUPT_INPUT. */
export function openViews(
  list: Uint8Array,
  plainBytes: number,
  base: RandomAccess,
  tempDirectory: string,
  signal?: AbortSignal,
  onView?: (view: View) => void,
): ViewedSpace {
  const space = openViewedSpace(base, tempDirectory);
  const cursor: Cursor = { bytes: list, position: 0 };
  let place = 0;
  let left = plainBytes;
  try {
    for (let count = 0; cursor.position < list.length; count++) {
      signal?.throwIfAborted();
      if (count >= MAX_VIEWS) throw corrupt(`a layer has more than ${MAX_VIEWS} views`);
      const value = readVarint(cursor, 'a view');
      const address = place + unzigzag(Math.floor(value / (1 << FORM_BITS)));
      if (!(address >= 0 && address < space.sizeBytes))
        throw corrupt(`a view is taken from address ${address}, outside of ${space.sizeBytes} bytes`);
      const listed = (value % (1 << FORM_BITS)) as Form;
      const form = listed === FORM_OTHER ? otherForm(space, address) : listed;
      const view = space.open({ form, address }, left);
      onView?.(view);
      left -= view.sizeBytes;
      place = view.end;
    }
    if (left > 0) throw corrupt(`the views of a layer are ${left} bytes less than the ${plainBytes} it says`);
    return space;
  } catch (error) {
    space.close();
    throw error;
  }
}

function otherForm(space: RandomAccess, address: number): Form {
  if (isBitcode(space, address)) return FORM_BITCODE;
  return isStrings(space, address) ? FORM_STRINGS : FORM_DIRECTORY;
}
