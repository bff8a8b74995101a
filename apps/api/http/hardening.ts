import type { IncomingHttpHeaders } from 'node:http';
import type { Logger, Metrics, RequestLine } from '@peerbridge/platform';
import type { FastifyInstance } from 'fastify';

const headers: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** On every answer; a page that needs more than nothing says so itself. */
export function hardenedHeaders(instance: FastifyInstance): void {
  instance.addHook('onRequest', (_request, reply, next) => {
    reply.headers(headers);
    next();
  });
}

/** Headers by which somebody might hope to become somebody else, or to see more. Nothing here reads them. */
const overrideHeader =
  /^x-(role|redact(ion)?|user|member|actor|org(anization)?|participant|purpose|consent|emergency|segments?)(-.*)?$/;

export function countOverrideHeaders(requested: IncomingHttpHeaders, metrics: Metrics, log: Logger): void {
  for (const name in requested) {
    if (!overrideHeader.test(name)) continue;
    metrics.securityEvents.inc({ kind: 'overrideHeader' });
    log.warn({ kind: 'overrideHeader' }, 'Security event');
    return;
  }
}

/** One line per answered request, for everything but the probes. */
export function logRequests(instance: FastifyInstance, log: Logger): void {
  instance.addHook('onResponse', (request, reply, next) => {
    const path = request.routeOptions.url ?? 'unknown';
    const line: RequestLine = {
      requestId: request.id, method: request.method, path, status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      ...(request.caller && { role: request.caller.role }),
    };
    log[path.startsWith('/health') || path === '/metrics' ? 'debug' : 'info'](line, 'answered');
    next();
  });
}
