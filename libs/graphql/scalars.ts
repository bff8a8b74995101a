import { registerEnumType, Scalar, type CustomScalar } from '@nestjs/graphql';
import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { roles, segments } from '@peerbridge/kernel';

/** Shape is the schema's matter, sense the domain's: any text gets through, and a malformed one is VALIDATION by name. */
abstract class TextScalar implements CustomScalar<string, string> {
  abstract readonly description: string;

  serialize(value: unknown): string {
    return String(value);
  }

  parseValue(value: unknown): string {
    if (typeof value !== 'string') throw new GraphQLError('A time or date is a text.');
    return value;
  }

  parseLiteral(node: ValueNode): string {
    if (node.kind !== Kind.STRING) throw new GraphQLError('A time or date is a text.');
    return node.value;
  }
}

@Scalar('DateTime')
export class DateTimeScalar extends TextScalar {
  readonly description = 'RFC 3339, UTC, with milliseconds: 2026-03-01T09:00:00.000Z. Other offsets are accepted as input.';
}

@Scalar('Date')
export class DateScalar extends TextScalar {
  readonly description = 'A day: 2026-03-01. Of a birth date, as much as is known: 1980, 1980-05.';
}

const enumOf = <T extends string>(values: readonly T[]): Record<T, T> =>
  Object.fromEntries(values.map((value) => [value, value])) as Record<T, T>;

export const SegmentEnum = enumOf(segments);
export const RoleEnum = enumOf(roles);
registerEnumType(SegmentEnum, { name: 'Segment', description: 'A part of the story that is consented to on its own.' });
registerEnumType(RoleEnum, { name: 'Role' });
