/** What is known of an executable that Go's linker made, and how the words in it are marked. */

export interface GoLayout {
  readonly functions: FunctionTables;
  /** Undefined where it was not found, as in position-independent executables. */
  readonly module: ModuleData | undefined;
  /** The table that leads from places in the code to functions, as offsets in the file; empty where there is none. */
  readonly buckets: { readonly start: number; readonly end: number };
}

/** What the tables of functions say of themselves; offsets are those in the file. */
export interface FunctionTables {
  /** Of the section they fill: its address, and that less its offset in the file. */
  readonly address: number;
  readonly shift: number;
  readonly count: number;
  readonly textStart: number;
  readonly names: number;
  readonly units: number;
  readonly files: number;
  readonly programs: number;
  readonly functions: number;
  readonly end: number;
  /** Go 1.20 or later. */
  readonly later: boolean;
}

/** What the linker tells the runtime; addresses. */
export interface ModuleData {
  readonly buckets: number;
  readonly types: number;
  readonly typesEnd: number;
  readonly readonlyStart: number;
  readonly functionData: number;
  readonly typeLinks: number;
  readonly typeLinkCount: number;
}

/** Forms of words, as they are marked; 0 is none. At most 15 of them. */
export const FORM_TEXT = 1;
export const FORM_NAME = 2;
export const FORM_UNIT = 3;
export const FORM_FILE = 4;
export const FORM_PROGRAM = 5;
export const FORM_FUNCTION = 6;
export const FORM_FUNCTION_DATA = 7;
export const FORM_TYPE = 8;
export const FORM_READONLY = 9;
/** The lower half of an address. */
export const FORM_ADDRESS = 10;

/** The forms of words, half a byte for each word. */
export interface GoMarks {
  /** Marks the word at a file offset; false where it has a mark, or can't have one. */
  mark(offset: number, form: number): boolean;
  formAt(offset: number): number;
}
