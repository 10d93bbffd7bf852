/** Lists the members of an archive of objects (ar, as System V and GNU write it: libsomething.a). */
import type { RandomAccess } from '../bytes/access.ts';

export interface ArMember {
  /** As it is written in full, without what ends it. */
  readonly name: string;
  /** Where its content begins, and where it ends. */
  readonly start: number;
  readonly end: number;
}

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
const MAX_MEMBERS = 1 << 16;
const MAX_NAMES_BYTES = 1 << 22;
const MAX_NAME_BYTES = 1 << 12;

/** The members in their order; undefined for what is no such archive to its very end. */
export function listAr(content: RandomAccess): readonly ArMember[] | undefined {
  if (readText(content, 0, MAGIC.length) !== MAGIC) return undefined;
  const members: ArMember[] = [];
  let names = '';
  let at = MAGIC.length;
  while (at < content.sizeBytes) {
    const header = readText(content, at, HEADER_BYTES);
    if (header.length < HEADER_BYTES || !header.endsWith('`\n') || members.length === MAX_MEMBERS)
      return undefined;
    const digits = header.slice(48, 58).trim();
    const start = at + HEADER_BYTES;
    const end = start + Number(digits);
    if (!/^\d+$/.test(digits) || end > content.sizeBytes) return undefined;
    const name = header.slice(0, 16).trimEnd();
    if (name === '//') names = readText(content, start, Math.min(end - start, MAX_NAMES_BYTES));
    members.push({ name: fullName(name, names), start, end });
    at = end + ((end - start) & 1);
  }
  return members;
}

/** Long names stand in a member of their own. */
function fullName(name: string, names: string): string {
  if (!/^\/\d+$/.test(name)) return name;
  const start = Number(name.slice(1));
  return names.slice(start, start + MAX_NAME_BYTES).split('/\n', 1)[0]!;
}

function readText(content: RandomAccess, at: number, length: number): string {
  const bytes = new Uint8Array(Math.max(0, Math.min(length, content.sizeBytes - at)));
  content.readAt(at, bytes);
  return Buffer.from(bytes.buffer).toString('latin1');
}
