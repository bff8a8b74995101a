import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * Whether a request was meant for this machine by somebody on it. A page of another site reaches this port, too, by a name of
 * its own that it lets point here: then the browser still says by which name, and from where.
 */
export const isFromHere = ({ host, origin }: IncomingHttpHeaders): boolean =>
  LOOPBACK.test(host ?? '') && (origin === undefined || LOOPBACK.test(origin.replace(/^https?:\/\//, '')));
