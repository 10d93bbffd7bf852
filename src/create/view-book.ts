/**
 * The views that a patch may read: opened parts of the base, each opened once and kept for all layers. Which of them a
 * layer reads is known when its ops are (used-views.ts).
 */
import type { RandomAccess } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import { FORM_DIRECTORY, type Form, MAX_VIEWS } from '../nested/forms.ts';
import { openViewedSpace, type View, type ViewedSpace } from '../nested/views.ts';
import { mostPlainBytes } from '../patch/format.ts';

export interface ViewBook {
  /** All base layers, and the views behind them. */
  readonly space: ViewedSpace;
  /** In the order in which they were opened, which is that of their addresses. */
  readonly views: readonly View[];
  /** The part of this form at `address`; undefined when there is none, or no room for more. */
  find(form: Form, address: number): View | undefined;
  close(): void;
}

export function openViewBook(base: RandomAccess, tempDirectory: string): ViewBook {
  const space = openViewedSpace(base, tempDirectory);
  const views: View[] = [];
  const known = new Map<string, View | undefined>();
  let left = mostPlainBytes(base.sizeBytes);
  const open = (form: Form, address: number): View | undefined => {
    if (views.length === MAX_VIEWS) return undefined;
    try {
      const view = space.open({ form, address }, left);
      left -= view.sizeBytes;
      views.push(view);
      return view;
    } catch (error) {
      if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return undefined;
      throw error;
    }
  };
  return {
    space,
    views,
    find(form, address) {
      // A directory is another when more of its entries are opened.
      if (form === FORM_DIRECTORY) return open(form, address);
      const key = `${form}:${address}`;
      if (!known.has(key)) known.set(key, open(form, address));
      return known.get(key);
    },
    close: () => space.close(),
  };
}
