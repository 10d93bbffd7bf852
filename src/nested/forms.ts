/**
 * Compressed parts of files, and what they are when opened (docs/format.md, "Opened parts"). Each form pairs closed
 * bytes, as they stand in a file, with plain bytes, as they are matched; both ways lose nothing.
 */

/** Plain: what the DEFLATE stream inflates to. */
export const FORM_RAW = 0;
/** A gzip member. Plain: its header, and what its stream inflates to; the trailer follows from that. */
export const FORM_GZIP = 1;
/** A deflated entry of a zip archive. Plain: its local header without checksum and sizes, and its content. */
export const FORM_ENTRY = 2;
/** The central directory of a zip archive and its end record. Plain: offsets as differences, what follows left out. */
export const FORM_DIRECTORY = 3;
/** LLVM bitcode. Plain: its fields, each in bytes of its own. */
export const FORM_BITCODE = 4;
/** A run of strings in JSON text. Plain: escape sequences are what they mean. */
export const FORM_STRINGS = 5;

/** Those that hold a DEFLATE stream. */
export type DeflateForm = typeof FORM_RAW | typeof FORM_GZIP | typeof FORM_ENTRY;
/** Those whose plain form alone says how they are closed. */
export type OwnForm = typeof FORM_DIRECTORY | typeof FORM_BITCODE | typeof FORM_STRINGS;
export type Form = DeflateForm | OwnForm;

/** Opened parts of the base that the ops of one layer may read. */
export const MAX_VIEWS = 1 << 18;
/** What an entry with its sizes in front may have compressed: it is held until they are known. */
export const MAX_HELD_BYTES = 4 << 20;
/** Entries of one archive: more take a zip64 directory. */
export const MAX_ENTRIES = 65535;
/** Entries that are remembered for directories to come: of an archive, and of those around it that it is stored in. */
export const MAX_REMEMBERED_ENTRIES = 4 * MAX_ENTRIES;
