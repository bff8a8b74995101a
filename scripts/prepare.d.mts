/** A build of the present sources that nobody replaces meanwhile. Returns its folder. */
export function buildForTests(): Promise<string>;
