/** The parts of a root file system's tree. */
import type { RandomAccess } from '../../bytes/access.ts';
import type { TarEntry } from '../../tar/header.ts';

/** The layer that an entry came from. */
export interface LayerSource {
  readonly position: number;
  readonly tar: RandomAccess;
}

/** What stands behind one path or, with hard links, several: an entry of a layer. Undefined entry: never stored. */
export interface Inode {
  readonly entry: TarEntry;
  readonly layer: LayerSource;
}

/** A place in the tree. */
export interface TreeNode {
  /** Undefined for a directory that is there only because something is in it. */
  inode: Inode | undefined;
  /** Of directories only, by name (one character per byte). */
  readonly children: Map<string, TreeNode> | undefined;
  /** The last layer that put this node, or anything beneath it, there. */
  touchedBy: number;
}

export interface Tree {
  readonly root: TreeNode;
  /** Nodes ever made; only grows. */
  nodeCount: number;
  /** Entries that more than one path leads to, or led to. */
  readonly linked: Set<TarEntry>;
}

export function directoryNode(touchedBy: number): TreeNode {
  return { inode: undefined, children: new Map(), touchedBy };
}
