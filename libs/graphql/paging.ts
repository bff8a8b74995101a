import { ArgsType, Field, Int } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import type { PageRequest } from '@peerbridge/disclosure';
import { invalid } from '@peerbridge/kernel';
import { valuesOfRow, selects } from './selection.js';

export const MAX_PAGE = 100;

@ArgsType()
export class Forward {
  @Field(() => Int, { defaultValue: 20, nullable: true })
  first?: number | null;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

/** @throws DomainError VALIDATION where `first` is outside 1 to 100 */
export function pageOf({ first, after }: Forward, info: GraphQLResolveInfo): PageRequest {
  const size = first ?? 20;
  if (size < 1 || size > MAX_PAGE) throw invalid(`first is from 1 to ${MAX_PAGE}.`, 'first');
  return { first: size, after: after ?? undefined, count: selects(info, 'totalCount'), valuesOfRow: valuesOfRow(info) };
}
