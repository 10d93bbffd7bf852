/**
 * Which views the ops of one layer read, what those are taken from in turn, and how places in all layers and views of the
 * base become addresses of the patch, where only what is read has any.
 */
import { FORM_DIRECTORY, FORM_ENTRY } from '../nested/forms.ts';
import type { View } from '../nested/views.ts';
import type { SourceLog } from './source-log.ts';

/** Addresses up to `baseBytes` are of the base; by ascending address, views follow. */
export function usedViews(sources: SourceLog, views: readonly View[], baseBytes: number): readonly View[] {
  const used = new Set<View>();
  const use = (view: View) => {
    if (used.has(view)) return;
    used.add(view);
    if (view.address >= baseBytes) use(viewAt(views, view.address));
    if (view.form !== FORM_DIRECTORY) return;
    // What a directory leaves out depends on the entries that were opened before it.
    for (const entry of views) {
      if (entry.viewAddress >= view.viewAddress) break;
      if (entry.form === FORM_ENTRY && isBeside(entry, view, views, baseBytes)) use(entry);
    }
  };
  for (let i = 0; i < sources.count; i++) {
    const address = sources.addresses[i]!;
    const last = address + Math.max(1, sources.lengths[i]!) - 1;
    if (last < baseBytes) continue;
    for (let at = Math.max(address, baseBytes); at <= last; ) {
      const view = viewAt(views, at);
      use(view);
      at = view.viewAddress + view.sizeBytes;
    }
  }
  return views.filter((view) => used.has(view));
}

/** Whether an entry may be of a directory's archive: it stands before it, in the same layer or view. */
function isBeside(entry: View, directory: View, views: readonly View[], baseBytes: number): boolean {
  if (entry.address >= directory.address) return false;
  if (directory.address < baseBytes) return true;
  return entry.address >= viewAt(views, directory.address).viewAddress;
}

/** The view that holds an address. */
export function viewAt(views: readonly View[], address: number): View {
  let low = 0;
  let high = views.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (views[middle]!.viewAddress <= address) low = middle;
    else high = middle - 1;
  }
  return views[low]!;
}

/** Where each of the `used` views begins in the patch, behind `patchBaseBytes` of base space. */
export function patchViewAddresses(used: readonly View[], patchBaseBytes: number): ReadonlyMap<View, number> {
  const addresses = new Map<View, number>();
  let end = patchBaseBytes;
  for (const view of used) {
    addresses.set(view, end);
    end += view.sizeBytes;
  }
  return addresses;
}
