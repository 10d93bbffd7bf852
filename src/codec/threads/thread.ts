/** The thread that decodes streams ahead of who wants them. */
import { parentPort } from 'node:worker_threads';
import { portOf } from './messages.ts';
import { serveDecoding } from './serve.ts';

if (parentPort !== null) serveDecoding(portOf(parentPort));
