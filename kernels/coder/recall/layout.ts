// Where the recalling coder has what in its memory, and how large that is. Its caller fills the tables of numbers.
import { POINTS, TABLES_END } from '../../shared/chances';
import { RATES_BYTES } from '../../shared/small-counters';

export const CONTEXTS: usize = 4;
// Contexts by which guesses are found.
export const ORDERS: usize = 3;
export const GUESSES: usize = 3;
// Of each guess: its distance (0: there is none), its length and its misses.
export const GUESS_BYTES: usize = 16;
// Four weights.
export const SET_BYTES: usize = 8;
const FLAG_SETS: usize = 1024;
const FIRST_SETS: usize = 9 * 256;
const SECOND_SETS: usize = 256 * 8;
const ROW_BYTES: usize = 2 * <usize>POINTS;
const FLAG_ROWS: usize = 8320;
const BYTE_ROWS: usize = 3 * 256;
const PAST_COUNTERS: usize = 12416;
// Where vectors are read that may reach past what is there.
export const SLACK: usize = 64;
export const CODED_BYTES: usize = 1 << 16;

// Rates of the counters by kind: of a flag's past, of its cells, and of the bits of new bytes.
export const PAST_RATES: usize = TABLES_END;
export const CELL_RATES: usize = PAST_RATES + RATES_BYTES;
export const BIT_RATES: usize = CELL_RATES + RATES_BYTES;
// By length: its class. By byte: what it does to the word.
export const CLASSES: usize = BIT_RATES + RATES_BYTES;
export const WORDS: usize = CLASSES + 512;
export const HASHES: usize = WORDS + 256;
export const PLACES: usize = HASHES + 4 * CONTEXTS;
export const READ: usize = PLACES + 4 * CONTEXTS;
export const GUESS: usize = READ + 16;
// Where the places of the hashes are, by which guesses are found.
export const INDEX: usize = GUESS + 64;
export const INDEX_END: usize = INDEX + 4 * ORDERS;
export const FLAG_WEIGHTS: usize = 24576;
export const FIRST: usize = FLAG_WEIGHTS + FLAG_SETS * SET_BYTES;
export const SECOND: usize = FIRST + FIRST_SETS * SET_BYTES;
export const FLAG_REFINER: usize = SECOND + SECOND_SETS * SET_BYTES;
export const BYTE_REFINER: usize = FLAG_REFINER + FLAG_ROWS * ROW_BYTES;
export const REFINERS_END: usize = BYTE_REFINER + BYTE_ROWS * ROW_BYTES;
export const PASTS: usize = (REFINERS_END + 63) & ~63;
export const CODED: usize = PASTS + 2 * PAST_COUNTERS;
// From here on, what grows with the window: cells, slots, heads, and the window.
export const CELLS: usize = (CODED + CODED_BYTES + SLACK + 63) & ~63;
