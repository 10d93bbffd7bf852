/**
 * The root file system of an image: what an engine would have on disk after unpacking all layers, one over the other
 * (OCI image spec v1.1, layer.md, "Applying Changesets"). Guards that a whiteout hides only what lower layers brought,
 * and that hostile names can't make it larger than MAX_NODES.
 */
import { DidiffError } from '../../errors.ts';
import type { TarEntry } from '../../tar/header.ts';
import { textOfName } from '../../tar/name.ts';
import { findDirectory, makeDirectory, splitName } from './names.ts';
import { directoryNode, type Inode, type LayerSource, type Tree, type TreeNode } from './node.ts';

/** More than any image has by far; a node takes some 200 bytes. */
export const MAX_NODES = 4_000_000;
/** Linux refuses longer ones (PATH_MAX). */
const MAX_PATH_BYTES = 4096;

const WHITEOUT = '.wh.';
const WHITEOUT_META = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

export function emptyTree(): Tree {
  return { root: directoryNode(0), nodeCount: 1, linked: new Set() };
}

/** Puts `entry` over what is there. Entries come in the order of their layers, and in the tar's within one. */
export function applyEntry(tree: Tree, entry: TarEntry, layer: LayerSource): void {
  if (entry.type === 'other') return;
  if (entry.path.length > MAX_PATH_BYTES || entry.linkTarget.length > MAX_PATH_BYTES) {
    throw new DidiffError(
      'LIMIT',
      `${textOfName(entry.path).slice(0, 80)}… in layer ${layer.position} has a name of more than ${MAX_PATH_BYTES} bytes`,
      { hint: 'No engine can unpack this image.' },
    );
  }
  const names = splitName(entry.path);
  const name = names.pop();
  if (name === undefined) {
    if (entry.type === 'directory') tree.root.inode = { entry, layer };
    return;
  }
  const parent = makeDirectory(tree, names, layer.position, addNode);
  if (name.startsWith(WHITEOUT)) {
    if (name === OPAQUE)
      for (const child of [...parent.children!.keys()]) hide(parent, child, layer.position);
    else if (!name.startsWith(WHITEOUT_META)) hide(parent, name.slice(WHITEOUT.length), layer.position);
    return;
  }
  put(tree, parent, name, entry, layer);
}

function put(tree: Tree, parent: TreeNode, name: string, entry: TarEntry, layer: LayerSource): void {
  const before = parent.children!.get(name);
  if (entry.type === 'directory') {
    const node = before?.children === undefined ? directoryNode(layer.position) : before;
    node.inode = { entry, layer };
    node.touchedBy = layer.position;
    if (node !== before) addNode(tree, parent, name, node);
    return;
  }
  const linked = entry.type === 'hardlink' ? findInode(tree, entry.linkTarget) : undefined;
  if (linked !== undefined) tree.linked.add(linked.entry);
  const inode = linked ?? { entry, layer };
  addNode(tree, parent, name, { inode, children: undefined, touchedBy: layer.position });
}

/** What a hard link leads to; undefined when nothing is there, or a directory. */
function findInode(tree: Tree, target: string): Inode | undefined {
  const names = splitName(target);
  const name = names.pop();
  if (name === undefined) return undefined;
  const node = findDirectory(tree.root, names)?.children?.get(name);
  return node?.children === undefined ? node?.inode : undefined;
}

function addNode(tree: Tree, parent: TreeNode, name: string, node: TreeNode): void {
  tree.nodeCount++;
  if (tree.nodeCount > MAX_NODES) {
    throw new DidiffError('LIMIT', `the image has more than ${MAX_NODES} files and directories`, {
      hint: 'An image like this is most likely made to fill memories.',
    });
  }
  parent.children!.set(name, node);
}

/** Takes away what layers below `layer` have brought under `name`. */
function hide(parent: TreeNode, name: string, layer: number): void {
  const stack = [{ parent, name }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const node = at.parent.children!.get(at.name);
    if (node === undefined) continue;
    if (node.touchedBy < layer) at.parent.children!.delete(at.name);
    else if (node.children !== undefined)
      for (const child of node.children.keys()) stack.push({ parent: node, name: child });
  }
}
