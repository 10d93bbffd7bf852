/**
 * Finds the archive of the base that a new one is most like, by the names of their entries: archives are often renamed
 * from version to version in ways that no rule about names foresees.
 */
import { type RandomAccess, sliceAccess } from '../../bytes/access.ts';
import { listZip, type ZipListing } from '../../nested/list-zip.ts';
import type { Catalog } from '../catalog.ts';
import type { Part } from '../part-table.ts';

/** The base's archive that shares most entries with the listed one; undefined when none shares a good part of them. */
export type FindSimilarArchive = (listing: ZipListing) => Part | undefined;

/** Names that so many archives have (licences, manifests) tell nothing. */
const MOST_SHARING = 8;
/** Of its entries an archive must share one in so many. */
const LEAST_SHARE = 4;
/** Names kept of one archive. */
const MOST_NAMES = 4096;

/** Reads the base's directories when it is first asked. */
export function openArchiveIndex(catalog: Catalog): FindSimilarArchive {
  let byName: ReadonlyMap<string, readonly Part[]> | undefined;
  return (listing) => {
    byName ??= indexArchives(catalog);
    const votes = new Map<Part, number>();
    for (const { name } of listing.entries)
      for (const archive of sharing(byName, name)) votes.set(archive, (votes.get(archive) ?? 0) + 1);
    let best: Part | undefined;
    for (const [archive, count] of votes)
      if (count > (best === undefined ? 0 : votes.get(best)!)) best = archive;
    const needed = Math.min(listing.entries.length, MOST_NAMES) / LEAST_SHARE;
    return best !== undefined && votes.get(best)! >= needed ? best : undefined;
  };
}

function sharing(byName: ReadonlyMap<string, readonly Part[]>, name: string): readonly Part[] {
  const archives = byName.get(name) ?? [];
  return archives.length < MOST_SHARING ? archives : [];
}

function indexArchives({ files, space }: Catalog): ReadonlyMap<string, readonly Part[]> {
  const byName = new Map<string, Part[]>();
  for (const file of files) {
    const content: RandomAccess = sliceAccess(space, file.address, file.sizeBytes);
    for (const { name } of listZip(content)?.entries.slice(0, MOST_NAMES) ?? []) {
      const archives = byName.get(name);
      if (archives === undefined) byName.set(name, [file]);
      else if (archives.length < MOST_SHARING) archives.push(file);
    }
  }
  return byName;
}
