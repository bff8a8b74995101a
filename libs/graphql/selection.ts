import { Kind, type FragmentDefinitionNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

/** Whether the answer's object was asked for this field, also through fragments: what is not asked for is not read. */
export function selects(info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>, ...names: readonly string[]): boolean {
  const within = (set: SelectionSetNode | undefined): boolean => (set?.selections ?? []).some((selection) => {
    switch (selection.kind) {
      case Kind.FIELD: return names.includes(selection.name.value);
      case Kind.INLINE_FRAGMENT: return within(selection.selectionSet);
      case Kind.FRAGMENT_SPREAD:
        return within((info.fragments[selection.name.value] as FragmentDefinitionNode | undefined)?.selectionSet);
    }
  });
  return info.fieldNodes.some((node) => within(node.selectionSet));
}
