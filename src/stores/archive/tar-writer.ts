/**
 * Tar headers as the archives written here need them (POSIX.1-2001: ustar, with PAX records where a name or a size
 * doesn't fit). Every byte follows from the arguments: time 0, owner 0 and no names of users, so that archives of
 * the same image are the same file.
 */
const BLOCK = 512;
/** What eleven octal digits hold: one byte less than 8 GiB. */
const MAX_OCTAL_SIZE = 0o77777777777;
const MAX_NAME_BYTES = 100;

/** Ends an archive: two blocks of zeros. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

export interface TarHeaderFields {
  readonly name: string;
  /** As the header's type flag: `0` file, `1` hard link, `2` symbolic link, `5` directory. */
  readonly type: string;
  readonly sizeBytes?: number;
  readonly mode?: number;
  readonly mtimeSeconds?: number;
  readonly linkTarget?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** PAX records beside those that the name, the link and the size ask for. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** The header of a file of `sizeBytes` bytes, with the PAX header before it where there must be one. */
export function tarFileHeader(name: string, sizeBytes: number): Uint8Array {
  return encodeTarHeader({ name, type: '0', sizeBytes });
}

export function tarDirectoryHeader(name: string): Uint8Array {
  return encodeTarHeader({ name: name.endsWith('/') ? name : `${name}/`, type: '5', mode: 0o755 });
}

/** The zeros that follow `sizeBytes` bytes of content. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((BLOCK - (sizeBytes % BLOCK)) % BLOCK);
}

/** The header of any entry: one block, or with PAX records three and more. */
export function encodeTarHeader(fields: TarHeaderFields): Uint8Array {
  const records = { ...paxRecords(fields), ...fields.pax };
  const header = encodeBlock(fields);
  if (Object.keys(records).length === 0) return header;
  const body = encodePax(records);
  const paxHeader = encodeBlock({ name: 'PaxHeaders.0/x', type: 'x', sizeBytes: body.length });
  return joinBytes([paxHeader, body, tarPadding(body.length), header]);
}

function paxRecords(fields: TarHeaderFields): Record<string, string> {
  return {
    ...(fitsField(fields.name) ? {} : { path: fields.name }),
    ...(fitsField(fields.linkTarget ?? '') ? {} : { linkpath: fields.linkTarget ?? '' }),
    ...((fields.sizeBytes ?? 0) > MAX_OCTAL_SIZE ? { size: String(fields.sizeBytes) } : {}),
  };
}

/** The plain fields are for ASCII of at most 100 bytes; everything else is a PAX record's, which is UTF-8. */
function fitsField(text: string): boolean {
  return text.length <= MAX_NAME_BYTES && /^[\x20-\x7e]*$/.test(text);
}

/** `<length> <key>=<value>\n`, where the length counts itself. Records in the order of their keys. */
function encodePax(records: Readonly<Record<string, string>>): Uint8Array {
  const encoder = new TextEncoder();
  const lines = Object.keys(records)
    .sort()
    .map((key) => {
      const rest = encoder.encode(` ${key}=${records[key]}\n`);
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return joinBytes([encoder.encode(String(length)), rest]);
    });
  return joinBytes(lines);
}

function encodeBlock(fields: TarHeaderFields): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const text = (at: number, limit: number, value: string) => {
    block.set(new TextEncoder().encode(value.replace(/[^\x20-\x7e]/gu, '_')).subarray(0, limit), at);
  };
  const octal = (at: number, digits: number, value: number) => {
    text(at, digits, value.toString(8).padStart(digits, '0'));
  };
  text(0, MAX_NAME_BYTES, fields.name);
  octal(100, 7, fields.mode ?? 0o644);
  octal(108, 7, fields.uid ?? 0);
  octal(116, 7, fields.gid ?? 0);
  octal(124, 11, sizeField(fields.sizeBytes ?? 0));
  octal(136, 11, fields.mtimeSeconds ?? 0);
  text(156, 1, fields.type);
  text(157, MAX_NAME_BYTES, fields.linkTarget ?? '');
  text(257, 5, 'ustar');
  text(263, 2, '00');
  text(148, 8, '        ');
  const sum = block.reduce((total, byte) => total + byte, 0);
  octal(148, 6, sum);
  block[154] = 0;
  return block;
}

/** A size that needs more digits stands in the PAX record; the field then says 0, as Go's writer does. */
function sizeField(sizeBytes: number): number {
  return sizeBytes > MAX_OCTAL_SIZE ? 0 : sizeBytes;
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
