import {
  getNamedType, isCompositeType, isInterfaceType, isObjectType, Kind, valueFromASTUntyped,
  type DocumentNode, type FragmentDefinitionNode, type GraphQLCompositeType, type GraphQLField, type GraphQLSchema,
  type FieldNode, type OperationDefinitionNode, type SelectionSetNode,
} from 'graphql';
import { DomainError } from '@peerbridge/kernel';

/**
 * How much one request may ask. The interface promises that depth 12, 15 aliases and 100 KiB are always fine, and that
 * 25, 100 and 1 MiB are always refused.
 */
export const limits = {
  bodyBytes: 256 * 1024,
  /** Of the parser: what is longer is not even looked at. */
  tokens: 60_000,
  /** Brackets within one another, and fragments: whatever reads a document calls itself for each. Few need twenty. */
  nesting: 100,
  fragments: 200,
  /** Fields, fragments spread out. Beyond some hundreds of the same field in one place GraphQL's own validation gives up. */
  selections: 20_000,
  depth: 18,
  aliases: 40,
  /**
   * Objects that an answer could hold if every page were full: three lists of 100 in one another are as deep as is always fine.
   * What it does hold is counted as it is read (`readLimits`).
   */
  cost: 5_000_000,
  /** Of all texts in an answer. */
  characters: 16 * 1024 * 1024,
  /** A page beyond this is refused by the field itself. */
  pageSize: 100,
} as const;

/** The size of what is asked, fragments spread out. */
export interface Size {
  selections: number;
  depth: number;
  aliases: number;
  cost: number;
}

type Variables = Readonly<Record<string, unknown>>;
const NOTHING: Size = { selections: 0, depth: 0, aliases: 0, cost: 0 };

/**
 * Linear in the length of the document, whatever its fragments multiply to. A page's size that a variable gives counts
 * as the largest one where `variables` are not known.
 */
export function sizeOf(
  schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables?: Variables,
): Size {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const measured = new Map<string, Size>();

  const ofFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, NOTHING); // a fragment that spreads itself: validation refuses it
    const fragment = fragments.get(name);
    const type = fragment && compositeType(schema, fragment.typeCondition.name.value);
    const size = fragment ? ofSelections(fragment.selectionSet, type) : NOTHING;
    measured.set(name, size);
    return size;
  };

  const ofField = (node: FieldNode, parent: GraphQLCompositeType | undefined): Size => {
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    const type = field && getNamedType(field.type);
    const below = node.selectionSet ? ofSelections(node.selectionSet, isCompositeType(type) ? type : undefined) : NOTHING;
    return {
      selections: 1 + below.selections,
      depth: 1 + below.depth,
      aliases: (node.alias ? 1 : 0) + below.aliases,
      cost: node.selectionSet ? 1 + pageSize(node, field, variables) * below.cost : 0,
    };
  };

  const ofSelections = (set: SelectionSetNode, parent: GraphQLCompositeType | undefined): Size =>
    set.selections.reduce((sum, node) => {
      const size = node.kind === Kind.FIELD ? ofField(node, parent)
        : node.kind === Kind.FRAGMENT_SPREAD ? ofFragment(node.name.value)
        : ofSelections(node.selectionSet, node.typeCondition ? compositeType(schema, node.typeCondition.name.value) : parent);
      return {
        selections: sum.selections + size.selections,
        depth: Math.max(sum.depth, size.depth),
        aliases: sum.aliases + size.aliases,
        cost: sum.cost + size.cost,
      };
    }, NOTHING);

  return ofSelections(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined);
}

function compositeType(schema: GraphQLSchema, name: string): GraphQLCompositeType | undefined {
  const type = schema.getType(name);
  return isCompositeType(type) ? type : undefined;
}

/** How many of what lies below a field may come: its `first`, or one where it has none. */
function pageSize(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined, variables: Variables | undefined): number {
  const declared = field?.args.find((argument) => argument.name === 'first');
  if (!declared) return 1;
  const given = node.arguments?.find((argument) => argument.name.value === 'first')?.value;
  const asked = !given ? declared.defaultValue
    : given.kind === Kind.VARIABLE && !variables ? limits.pageSize
    : valueFromASTUntyped(given, variables ? { ...variables } : undefined) ?? declared.defaultValue;
  return typeof asked === 'number' && asked >= 0 && asked < limits.pageSize ? asked : limits.pageSize;
}

/** @throws DomainError LIMIT_EXCEEDED */
export function withinLimits(size: Pick<Size, 'depth' | 'aliases' | 'cost'>): void {
  for (const dimension of ['depth', 'aliases', 'cost'] as const) {
    if (size[dimension] > limits[dimension]) {
      throw new DomainError('LIMIT_EXCEEDED', `The ${dimension} of this operation is more than ${limits[dimension]}.`);
    }
  }
}

/** Before it is written out. @throws DomainError LIMIT_EXCEEDED */
export function withinSize(data: unknown): void {
  if (characters(data, limits.characters) < 0) {
    throw new DomainError('LIMIT_EXCEEDED', 'The answer is too long: ask for less at once. What a mutation did stands.');
  }
}

/** What is left of so many; below zero, no further text is looked at. */
function characters(value: unknown, left: number): number {
  if (typeof value === 'string') return left - value.length;
  if (typeof value !== 'object' || value === null) return left;
  let rest = left;
  for (const key in value) {
    rest = characters((value as Record<string, unknown>)[key], rest);
    if (rest < 0) break;
  }
  return rest;
}
