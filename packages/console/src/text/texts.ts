import { english } from './english.ts'

/** All that the console says. Another language is another object of this type, chosen here. */
export type Texts = typeof english

export const texts: Texts = english
