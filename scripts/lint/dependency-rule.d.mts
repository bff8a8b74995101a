import type { Linter } from 'eslint';

export const dependencyRule: Linter.Config[];
