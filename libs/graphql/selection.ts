import {
  getNamedType, isCompositeType, isInterfaceType, isObjectType, Kind, type FieldNode, type FragmentDefinitionNode,
  type GraphQLCompositeType, type GraphQLResolveInfo, type GraphQLSchema, type SelectionSetNode,
} from 'graphql';

type Asked = Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>;

const fragmentOf = ({ fragments }: Asked, name: string): FragmentDefinitionNode | undefined => fragments[name];

/** Whether the answer's object was asked for this field, also through fragments: what is not asked for is not read. */
export function selects(info: Asked, ...names: readonly string[]): boolean {
  const within = (set: SelectionSetNode | undefined): boolean => (set?.selections ?? []).some((selection) => {
    switch (selection.kind) {
      case Kind.FIELD: return names.includes(selection.name.value);
      case Kind.INLINE_FRAGMENT: return within(selection.selectionSet);
      case Kind.FRAGMENT_SPREAD: return within(fragmentOf(info, selection.name.value)?.selectionSet);
    }
  });
  return info.fieldNodes.some((node) => within(node.selectionSet));
}

const known = new WeakMap<FieldNode, number>();

/** Of an object, whose fields may be looked up, against a plain value: in time and memory, as `bench/dearest` has it. */
const OBJECT = 8;

/** What each row of a list brings into the answer, in plain values; what a list within it brings is counted when that is read. */
export function valuesOfRow(info: Asked & Pick<GraphQLResolveInfo, 'schema' | 'returnType'>): number {
  const ofField = (node: FieldNode): number => {
    const fields = known.get(node) ?? within(info, node.selectionSet, typeOf(info.returnType));
    known.set(node, fields);
    return fields;
  };
  return info.fieldNodes.reduce((sum, node) => sum + ofField(node), 0);
}

function within(
  info: Asked & { schema: GraphQLSchema }, set: SelectionSetNode | undefined, parent: GraphQLCompositeType | undefined,
): number {
  return (set?.selections ?? []).reduce((sum, selection) => {
    switch (selection.kind) {
      case Kind.FIELD: {
        const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[selection.name.value] : undefined;
        const isList = field?.args.some(({ name }) => name === 'first');
        const below = isList ? 0 : within(info, selection.selectionSet, field && typeOf(field.type));
        return sum + (selection.selectionSet ? OBJECT : 1) + below;
      }
      case Kind.INLINE_FRAGMENT: {
        const { typeCondition, selectionSet } = selection;
        return sum + within(info, selectionSet, typeCondition ? typeOf(info.schema.getType(typeCondition.name.value)) : parent);
      }
      case Kind.FRAGMENT_SPREAD: {
        const fragment = fragmentOf(info, selection.name.value);
        const type = fragment && info.schema.getType(fragment.typeCondition.name.value);
        return sum + within(info, fragment?.selectionSet, typeOf(type));
      }
    }
  }, 0);
}

function typeOf(type: Parameters<typeof getNamedType>[0]): GraphQLCompositeType | undefined {
  const named = getNamedType(type);
  return isCompositeType(named) ? named : undefined;
}
