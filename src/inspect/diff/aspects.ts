/** In what two nodes of the trees differ, as far as their headers tell; contents are compared elsewhere. */
import { textOfName } from '../../tar/name.ts';
import type { Inode, TreeNode } from '../rootfs/node.ts';
import type { FileAspect, FileFacts } from './model.ts';

/** What engines give a directory that they make because something is in it. */
const IMPLIED_MODE = 0o755;

/** All aspects but `content` and `links`, in the order of the type. Times that aren't stored differ from none. */
export function headerAspects(base: TreeNode, target: TreeNode): FileAspect[] {
  const a = factsOf(base);
  const b = factsOf(target);
  if (a.type !== b.type) return ['type'];
  const aspects: FileAspect[] = [];
  if (base.inode?.entry.linkTarget !== target.inode?.entry.linkTarget && a.type !== 'directory')
    aspects.push('target');
  if (a.device !== b.device) aspects.push('device');
  // Engines can't set the mode of a symbolic link.
  if (a.mode !== b.mode && a.type !== 'symlink') aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  if (a.mtime !== b.mtime && a.mtime !== undefined && b.mtime !== undefined) aspects.push('mtime');
  if (!equalXattrs(base.inode?.entry.xattrs, target.inode?.entry.xattrs)) aspects.push('xattrs');
  return aspects;
}

type Xattrs = Inode['entry']['xattrs'];

function equalXattrs(a: Xattrs, b: Xattrs): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

export function factsOf({ inode }: TreeNode): FileFacts {
  if (inode === undefined)
    return { type: 'directory', sizeBytes: 0, mode: octal(IMPLIED_MODE), uid: 0, gid: 0 };
  const { entry, layer } = inode;
  const { type, sizeBytes, uid, gid, mtime, linkTarget, device, xattrs } = entry;
  return {
    type,
    sizeBytes,
    mode: octal(entry.mode),
    uid,
    gid,
    mtime,
    layer: layer.position,
    ...(linkTarget === '' ? {} : { linkTarget: textOfName(linkTarget) }),
    ...(device === undefined ? {} : { device: device.join(':') }),
    ...(xattrs === undefined ? {} : { xattrs: encodeXattrs(xattrs) }),
  };
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function encodeXattrs(xattrs: NonNullable<Xattrs>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...xattrs].map(([name, value]) => [textOfName(name), Buffer.from(value, 'latin1').toString('base64')]),
  );
}
