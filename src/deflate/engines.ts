/**
 * The engines a recipe may name, by their numbers on the wire. Numbers, versions and what they do are frozen: an
 * engine that must change gets a new version and the old one stays.
 */
import { unzigzag, zigzag } from '../bytes/varint.ts';
import { corrupt, DidiffError } from '../errors.ts';
import type { ByteSink } from './bits.ts';
import type { BlockSettings } from './blocks/tasks.ts';
import { createLegacyModel, LEGACY_LEVELS } from './go-legacy/model.ts';
import {
  CUTS_SHORT,
  createModernModel,
  FILLS_TABLES,
  LOOKS_AT_ALL,
  MODERN_LEVELS,
  MOST_VARIANT,
  TRIMS,
} from './go-modern/model.ts';
import { createPgzipModel, PGZIP_LEVELS } from './go-modern/pgzip.ts';
import { createGuidedModel } from './guided/model.ts';
import type { DeflateModel } from './model.ts';
import { createZlibModel, ZLIB_FLAVOURS } from './zlib/model.ts';
import { createPigzModel } from './zlib/pigz.ts';

/** What a recipe says about its engine. */
export interface EngineChoice {
  readonly engine: number;
  readonly version: number;
  /** Unsigned integers whose meaning is the engine's own. */
  readonly parameters: readonly number[];
}

interface Engine {
  readonly name: string;
  readonly version: number;
  readonly parameterCount: number;
  /** Whether the parameters mean something; called with `parameterCount` of them. */
  accepts(parameters: readonly number[]): boolean;
  create(parameters: readonly number[], sink: ByteSink, corrections: Uint8Array): DeflateModel;
  /** Whether it goes by corrections; the others take none. */
  readonly takesCorrections?: boolean;
  describe(parameters: readonly number[]): string;
}

/** Blocks of a framing: at least what its dictionaries need, at most 16 MiB. */
const FRAME_BYTES = (value: number) => value >= 1 << 15 && value <= 1 << 24;

const FLAVOUR_NAMES: readonly string[] = ['zlib', 'zlib with memLevel 9', 'GNU gzip', "Node's zlib"];

const GO_LEGACY: Engine = {
  name: 'go-legacy',
  version: 1,
  parameterCount: 1,
  accepts: ([level = 1]) => LEGACY_LEVELS.includes(unzigzag(level)),
  create: ([level = 1], sink) => createLegacyModel(unzigzag(level), sink),
  describe: ([level = 1]) => `Go up to 1.26, level ${unzigzag(level)}`,
};

const GO_MODERN: Engine = {
  name: 'go-modern',
  version: 1,
  parameterCount: 2,
  accepts: ([level = 1, variant = 99]) => MODERN_LEVELS.includes(unzigzag(level)) && variant <= MOST_VARIANT,
  create: ([level = 1, variant = 0], sink) => createModernModel(unzigzag(level), variant, sink),
  describe: ([level = 1, variant = 0]) => `${modernName(variant)}, level ${unzigzag(level)}`,
};

const PGZIP: Engine = {
  name: 'pgzip',
  version: 1,
  parameterCount: 3,
  accepts: ([level = 1, variant = 99, block = 0]) =>
    PGZIP_LEVELS.includes(unzigzag(level)) && variant <= MOST_VARIANT && FRAME_BYTES(block),
  create: ([level = 1, variant = 0, block = 0], sink) =>
    createPgzipModel(unzigzag(level), variant, block, sink),
  describe: ([level = 1, variant = 0, block = 0]) =>
    `pgzip with ${modernName(variant)}, level ${unzigzag(level)}, blocks of ${block >> 10} KiB`,
};

const ZLIB: Engine = {
  name: 'zlib',
  version: 1,
  parameterCount: 2,
  accepts: ([level = 0, flavour = 99]) => level >= 1 && level <= 9 && ZLIB_FLAVOURS.includes(flavour),
  create: ([level = 0, flavour = 0], sink) => createZlibModel(level, flavour, sink),
  describe: ([level, flavour = 0]) => `${FLAVOUR_NAMES[flavour]}, level ${level}`,
};

const PIGZ: Engine = {
  name: 'pigz',
  version: 1,
  parameterCount: 4,
  accepts: ([level = 0, flavour = 99, block = 0, alone = 9]) =>
    level >= 1 && level <= 9 && ZLIB_FLAVOURS.includes(flavour) && FRAME_BYTES(block) && alone <= 1,
  create: ([level = 0, flavour = 0, block = 0, alone = 0], sink) =>
    createPigzModel(level, flavour, block, alone === 1, sink),
  describe: ([level, flavour = 0, block = 0, alone = 0]) =>
    `pigz with ${FLAVOUR_NAMES[flavour]}, level ${level}, ${alone === 1 ? 'independent ' : ''}blocks of ${block >> 10} KiB`,
};

const GUIDED: Engine = {
  name: 'guided',
  version: 1,
  parameterCount: 0,
  takesCorrections: true,
  accepts: () => true,
  create: (_, sink, corrections) => createGuidedModel(corrections, sink),
  describe: () => 'an unknown encoder, with corrections',
};

const ENGINES: ReadonlyMap<number, Engine> = new Map([
  [1, GO_LEGACY],
  [2, GO_MODERN],
  [3, PGZIP],
  [4, ZLIB],
  [5, PIGZ],
  [6, GUIDED],
]);

export function goLegacy(level: number): EngineChoice {
  return { engine: 1, version: 1, parameters: [zigzag(level)] };
}

export function goModern(level: number, variant: number): EngineChoice {
  return { engine: 2, version: 1, parameters: [zigzag(level), variant] };
}

export function pgzip(level: number, variant: number, blockBytes: number): EngineChoice {
  return { engine: 3, version: 1, parameters: [zigzag(level), variant, blockBytes] };
}

export function zlib(level: number, flavour: number): EngineChoice {
  return { engine: 4, version: 1, parameters: [level, flavour] };
}

/** `alone` is 1 when no block refers to the one before, else 0. */
export function pigz(level: number, flavour: number, blockBytes: number, alone: number): EngineChoice {
  return { engine: 5, version: 1, parameters: [level, flavour, blockBytes, alone] };
}

export const guided: EngineChoice = { engine: 6, version: 1, parameters: [] };

/** How pgzip cuts what it compresses; undefined for the other engines, and for parameters that createModel refuses. */
export function pgzipBlocks({ engine, version, parameters }: EngineChoice): BlockSettings | undefined {
  if (engine !== 3 || version !== PGZIP.version || parameters.length !== PGZIP.parameterCount)
    return undefined;
  const [level = 1, variant = 0, blockBytes = 0] = parameters;
  return PGZIP.accepts(parameters) ? { level: unzigzag(level), variant, blockBytes } : undefined;
}

/** Whether the engine sets flush markers by itself. */
export function setsMarkers(choice: EngineChoice): boolean {
  return choice.engine === 3 || choice.engine === 5 || choice.engine === 6;
}

/** Throws UNSUPPORTED for an engine or version unknown here, CORRUPT_INPUT for parameters it does not have. */
export function createModel(choice: EngineChoice, sink: ByteSink, corrections: Uint8Array): DeflateModel {
  const engine = findEngine(choice);
  const { parameters } = choice;
  if (parameters.length !== engine.parameterCount || !engine.accepts(parameters)) {
    throw corrupt(
      `a recipe has parameters ${parameters.join(', ')} that engine ${engine.name} does not have`,
    );
  }
  if (corrections.length > 0 && engine.takesCorrections !== true) {
    throw corrupt(`a recipe has corrections, which engine ${engine.name} does not take`);
  }
  return engine.create(parameters, sink, corrections);
}

/** The encoder in words, for people. Throws UNSUPPORTED for an engine unknown here. */
export function describeEngine(choice: EngineChoice): string {
  return findEngine(choice).describe(choice.parameters);
}

function findEngine(choice: EngineChoice): Engine {
  const engine = ENGINES.get(choice.engine);
  if (engine !== undefined && choice.version === engine.version) return engine;
  const name = engine === undefined ? `number ${choice.engine}` : `${engine.name} version ${choice.version}`;
  throw new DidiffError('UNSUPPORTED', `the recipe of a blob needs compression engine ${name}`, {
    hint: 'Use a newer didiff to apply this patch, or make it again with this version.',
    data: { engine: choice.engine, version: choice.version },
  });
}

/** Which releases have the traits of a variant; go-modern/model.ts for its bits. */
function modernName(variant: number): string {
  if ((variant & TRIMS) !== 0) return 'Go 1.27 (klauspost/compress from 1.18.2)';
  if ((variant & FILLS_TABLES) !== 0) return 'klauspost/compress before 1.11.13';
  if ((variant & CUTS_SHORT) !== 0) return 'klauspost/compress before 1.15';
  if ((variant & LOOKS_AT_ALL) !== 0) return 'klauspost/compress before 1.15.10';
  return 'klauspost/compress 1.15.10 to 1.18.0';
}
