/** Puts a page where it was asked for, whole or not at all. */
import { openPendingFile } from '../bytes/file.ts';
import type { Report } from './model.ts';
import { type FormatBytes, renderPage } from './page.ts';

/** Writes the report's page to `path`; a file that is there is replaced. Throws STORAGE. */
export function writePage(path: string, report: Report, formatBytes: FormatBytes): void {
  const file = openPendingFile(path);
  try {
    file.append(new TextEncoder().encode(renderPage(report, formatBytes)));
    file.commit();
  } catch (error) {
    file.abort();
    throw error;
  }
}
