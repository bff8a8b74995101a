import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { GqlContextType } from '@nestjs/graphql';
import { StoreUnavailable } from '@peerbridge/event-store';
import { DomainError } from '@peerbridge/kernel';
import { isDatabaseOutage, isPoolFull, type Logger } from '@peerbridge/platform';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { tooMuchAtWork } from './slots.js';

const internal = () => new DomainError('INTERNAL', 'Something went wrong on our side.');
const unavailable = () => new DomainError('UNAVAILABLE', 'A part of the system cannot be reached; repeat the request.');

/** What the caller is told of what nobody foresaw: the log has it. */
function told(error: unknown): DomainError {
  if (error instanceof StoreUnavailable || isDatabaseOutage(error)) return unavailable();
  return isPoolFull(error) ? tooMuchAtWork() : internal();
}

export const formatted = ({ message, code, details }: DomainError): GraphQLFormattedError =>
  ({ message, extensions: { code, ...details } });

/** That a request costs more than it may, or than there is room for: said once however many of its fields met it. */
export const limitMet = (errors: readonly GraphQLError[]): DomainError | undefined => errors.map(causeOf).find(isLimit);

const isLimit = (cause: Error): cause is DomainError =>
  cause instanceof DomainError && (cause.code === 'LIMIT_EXCEEDED' || cause.code === 'RATE_LIMITED');

/** What the caller is told of errors met while executing: a refusal as it is, anything else only that it happened. */
export function formatErrors(errors: readonly GraphQLError[], log: Logger): GraphQLFormattedError[] {
  const limit = errors.find((error) => isLimit(causeOf(error)));
  return errors.filter((error) => error === limit || !isLimit(causeOf(error))).map((error) => {
    const cause = causeOf(error);
    const where = { locations: error.locations, path: error.path };
    if (cause instanceof DomainError) return { ...formatted(cause), ...where };
    log.error({ err: cause, path: error.path?.filter((step) => typeof step === 'string').join('.') }, 'A resolver failed');
    return { ...formatted(told(cause)), ...where };
  });
}

/** GraphQL wraps what a resolver threw, at times more than once. */
function causeOf(error: GraphQLError): Error {
  const original = error.originalError as (Error & { originalError?: unknown }) | null | undefined;
  if (!original) return error;
  return 'originalError' in original ? causeOf(original as GraphQLError) : original;
}

/** What is said of a request that was never executed, and with which HTTP status. */
export function refusalOf(error: unknown, log: Logger): { status: number; error: DomainError } {
  if (error instanceof DomainError) return { status: statusOf(error), error };
  const { statusCode } = error as { statusCode?: number };
  if (statusCode === 413) return { status: 413, error: new DomainError('LIMIT_EXCEEDED', 'The body is too large.') };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: 400, error: new DomainError('BAD_REQUEST', 'The body must be JSON.') };
  }
  log.error({ err: error }, 'A request failed');
  const refusal = told(error);
  return { status: statusOf(refusal), error: refusal };
}

function statusOf({ code }: DomainError): number {
  switch (code) {
    case 'UNAUTHENTICATED': return 401;
    case 'BAD_REQUEST': case 'LIMIT_EXCEEDED': return 400;
    case 'INTERNAL': return 500;
    default: return 200;
  }
}

/** Lets errors of resolvers pass to `formatErrors`: Nest's own filter would log every refusal. */
@Catch()
export class PassErrorsOn extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType<GqlContextType>() === 'graphql') throw error;
    super.catch(error, host);
  }
}
