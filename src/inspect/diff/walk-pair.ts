/** Walks two trees side by side: every path that is in either, once, in the order of its names' bytes. */

import type { Tree, TreeNode } from '../rootfs/node.ts';
import type { FileAspect } from './model.ts';

/** What the two images have at a path; at least one is there. */
export interface NodePair {
  /** From the root, with a slash in front; one character per byte. `/` is the root itself. */
  readonly path: string;
  readonly base: TreeNode | undefined;
  readonly target: TreeNode | undefined;
}

/** A pair that differs, or may: `content` is still to be compared where `unread` says so. */
export interface Difference extends NodePair {
  readonly aspects: readonly FileAspect[];
  readonly unread: boolean;
}

export function* walkPair(base: Tree, target: Tree): Generator<NodePair> {
  const stack: NodePair[] = [{ path: '/', base: base.root, target: target.root }];
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    yield pair;
    const prefix = pair.path === '/' ? '/' : `${pair.path}/`;
    const olds = pair.base?.children;
    const news = pair.target?.children;
    if (olds === undefined && news === undefined) continue;
    // The first name comes last, so that it is taken first.
    for (const name of namesOf(olds, news).reverse())
      stack.push({ path: prefix + name, base: olds?.get(name), target: news?.get(name) });
  }
}

function namesOf(olds: TreeNode['children'], news: TreeNode['children']): string[] {
  const names = new Set(olds?.keys());
  for (const name of news?.keys() ?? []) names.add(name);
  return [...names].sort();
}
