/**
 * The library. Open images from any store, make patches between them, apply patches to any store. Every function that
 * may take long takes an AbortSignal and reports progress; every error is a DidiffError.
 */
import type { createBundle as CreateBundle } from './create/bundle.ts';
import type { createPatch as CreatePatch } from './create/create.ts';
import type { estimatePatch as EstimatePatch } from './estimate/estimate.ts';

export { type ApplyOptions, type ApplyResult, applyPatch } from './apply/apply.ts';
export { neededDiffIds } from './apply/base.ts';
export { applyPart, checkPart, choosePart } from './apply/bundle.ts';
export type { OpenBase, WantedBase } from './apply/bundle-bases.ts';
export { applyWhole, checkWhole, type WholeCheck } from './apply/bundle-whole.ts';
export { type CheckResult, checkPatch } from './apply/check.ts';
export type { Needs } from './apply/needs.ts';
export type { Digest } from './bytes/digest.ts';
export type { BundleReport, PlatformReport } from './create/bundle.ts';
export type { BundleBase } from './create/bundle-parts.ts';
export type { CreateOptions } from './create/create.ts';
export type { CreateReport, LayerReport } from './create/report.ts';
export { DidiffError, type ErrorCode, EXIT_CODES } from './errors.ts';
export type { Estimate, EstimatedFile, EstimatedLayer } from './estimate/model.ts';
export { type PatchArtifact, parseArtifact } from './fleet/artifact.ts';
export type { PatchDescription } from './fleet/description.ts';
export { findArtifact, findPatches, type PatchEntry } from './fleet/list.ts';
export { type MirrorResult, mirrorImage } from './fleet/mirror.ts';
export { parseMirrorName, parseRegistryImageName, parseRepositoryName } from './fleet/names.ts';
export { listOffers, type Offers } from './fleet/offers.ts';
export { readParts } from './fleet/parts.ts';
export {
  type PrunedPatch,
  type PruneOptions,
  type PruneResult,
  prunePatches,
} from './fleet/prune.ts';
export {
  type Holding,
  listEngineHoldings,
  nameHolding,
} from './fleet/pull/holdings.ts';
export { type PrepareOptions, preparePull } from './fleet/pull/prepare.ts';
export {
  type DescribedWay,
  type PullOptions,
  type PullPlan,
  type PullResult,
  type PullSetting,
  planPull,
  pullImage,
} from './fleet/pull/pull.ts';
export { type PushOptions, type PushResult, pushPatch } from './fleet/push.ts';
export { type PlatformPushResult, type PushBundleOptions, pushBundle } from './fleet/push-bundle.ts';
export { familiarImageName, parseTagOption } from './image/image-name.ts';
export {
  formatPlatform,
  hostPlatform,
  type Platform,
  parsePlatform,
  samePlatform,
} from './image/platform.ts';
export type {
  ImageSink,
  IndexedImage,
  OpenedImage,
  OpenedIndex,
  OpenOptions,
  Progress,
  Published,
  StoreOptions,
} from './image/store.ts';
export { type BundleInspection, inspectBundle } from './inspect/bundle.ts';
export { type DiffOptions, diffImages } from './inspect/diff/diff.ts';
export type {
  BlobFacts,
  ConfigChange,
  FileAspect,
  FileChange,
  FileChangeKind,
  FileFacts,
  FilesDiff,
  HistoryDiff,
  HistoryEntry,
  ImageDiff,
  ImageFacts,
  LayerDiff,
} from './inspect/diff/model.ts';
export type { HowMade, InspectedFile, InspectedFiles, PatchShares } from './inspect/files/model.ts';
export {
  type InspectedLayer,
  type Inspection,
  type InspectOptions,
  inspectPatch,
  onlyLayer,
} from './inspect/inspect.ts';
export type { AnyPatch, Bundle, BundleParts, OpenedPart } from './patch/bundle.ts';
export type { BundleHeader } from './patch/bundle-header.ts';
export type { PatchHeader } from './patch/header.ts';
export { type OpenedPatch, openPatch, openPatchOrBundle } from './patch/open.ts';
export type { PatchReader } from './patch/reader.ts';
export { adviseOnDiff, adviseOnEstimate, type CostOf } from './report/advice.ts';
export { adviseOnPatch } from './report/advice-on-patch.ts';
export type { Advice, Bar, BarPart, FileCost, Report } from './report/model.ts';
export { reportOfDiff } from './report/of-diff.ts';
export { reportOfEstimate } from './report/of-estimate.ts';
export { reportOfPatch } from './report/of-patch.ts';
export { type FormatBytes, renderPage } from './report/page.ts';
export { writePage } from './report/write.ts';
export {
  type Destination,
  type EngineChoice,
  findBase,
  findIndex,
  openDestination,
  openImage,
  type RegistryChoice,
  type SharedEngine,
  shareEngine,
} from './stores/open.ts';
export type { RegistryOptions } from './stores/registry/connection.ts';
export { openRepository, type Repository } from './stores/registry/repository.ts';

// What makes patches is much code that receivers, small devices among them, needn't load.
export const createPatch: typeof CreatePatch = async (...given) =>
  await (await import('./create/create.ts')).createPatch(...given);

export const createBundle: typeof CreateBundle = async (...given) =>
  await (await import('./create/bundle.ts')).createBundle(...given);

export const estimatePatch: typeof EstimatePatch = async (...given) =>
  await (await import('./estimate/estimate.ts')).estimatePatch(...given);
