import { BREAK, Kind, visit, type DocumentNode } from 'graphql';

/**
 * Whether graphql-jit answers this document as graphql-js does. Not where
 * - anything is skipped or included: of the conditions on a field that is selected more than once it loses some (its issues
 *   111 and 166), and on an empty selection it fails
 * - a variable stands within a list or an object that is written out: it takes one that is left out for another value
 */
export function isCompilable(document: DocumentNode): boolean {
  let compilable = true;
  let literals = 0;
  const not = () => {
    compilable = false;
    return BREAK;
  };
  const literal = { enter: () => { literals += 1; }, leave: () => { literals -= 1; } };
  visit(document, {
    [Kind.DIRECTIVE]: not, [Kind.LIST]: literal, [Kind.OBJECT]: literal,
    [Kind.VARIABLE]: () => (literals > 0 ? not() : undefined),
  });
  return compilable;
}
