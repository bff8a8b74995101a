import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chance that always falls the same way for the same seed; each stream of a seed is a sequence of its own. */
export class Random {
  private readonly generator;

  constructor(seed: number, stream: number) {
    this.generator = xoroshiro128plus(seed);
    for (let jumps = 0; jumps < stream; jumps += 1) this.generator.jump();
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return uniformInt(this.generator, from, to);
  }

  /** @param percent how often, out of a hundred */
  chance(percent: number): boolean {
    return this.int(1, 100) <= percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }

  /** That many different ones, in the list's order. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = list.map((_, index) => index);
    while (left.length > count) left.splice(this.int(0, left.length - 1), 1);
    return left.map((index) => list[index]!);
  }
}
