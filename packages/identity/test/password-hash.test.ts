import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PasswordHash, PasswordHashFault } from '../src/passwords/password-hash.ts'
import { parsePasswordHash } from '../src/passwords/password-hash.ts'

/**
 * Hashes that others made. P: the tests of passlib 1.7 (test_handlers*.py), where the vectors of John the
 * Ripper, crypt_blowfish, py-bcrypt and Django are collected. Z: zitadel/passwap v0.6, internal/testvalues,
 * made by argon2(1), scrypt.py and passlib. R: the reference implementation of argon2 (src/test.c).
 * C: pg_pwhash, made by libscrypt. S: the RFC 7914 vector with the salt SodiumChloride, as passlib writes it.
 */
const vectors: readonly (readonly [
  source: 'P' | 'Z' | 'R' | 'C' | 'S',
  password: string,
  passwordHash: string,
])[] = [
  [
    'Z',
    'password',
    '$argon2id$v=19$m=4096,t=3,p=1$cmFuZG9tc2FsdGlzaGFyZA$DYojYpnUWSMmTtrkVXyaNWVGxLmGe1n8VJBPDdFkbjU',
  ],
  [
    'Z',
    'password',
    '$argon2i$v=19$m=4096,t=3,p=1$cmFuZG9tc2FsdGlzaGFyZA$YMvo8AUoNtnKYGqeODruCjHdiEbl1pKL2MsYy9VgU/E',
  ],
  [
    'Z',
    'password',
    '$argon2d$v=19$m=4096,t=3,p=1$cmFuZG9tc2FsdGlzaGFyZA$CB0Du96aj3fQVcVSqb0LIA6Z6fpStjzjVkaC3RlpK9A',
  ],
  ['P', 'password', '$argon2i$v=19$m=380,t=2,p=2$c29tZXNhbHQ$SrssP8n7m/12VWPM8dvNrw'],
  [
    'R',
    'password',
    '$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E',
  ],
  // Version 1.0 of argon2, which has no version in its text.
  [
    'R',
    'password',
    '$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs',
  ],
  ['P', 'U*U*U*U*', '$2a$05$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O'],
  ['P', 'U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  [
    'P',
    'abcdefghijklmnopqrstuvwxyz',
    '$2a$10$fVH8e28OQRj9tqiDXs1e1uxpsjN0c7II7YPKXua2NAKYvM6iQk7dq',
  ],
  [
    'P',
    't\u00e1\u0411\u2113\u0259',
    '$2b$05$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG',
  ],
  ['Z', 'password', '$2y$12$hXUrnqdq1RIIYZ2HPytIIe5lXdIvbhqrTvdPsSF7o.jFh817Z6lwm'],
  // Of 255 octets the first 72 count.
  [
    'P',
    '0123456789'.repeat(26).slice(0, 255),
    '$2a$04$R1lJ2gkNaoPGdafE.H.16.1MKHPvmKwryeulRe225LKProWYwt9Oi',
  ],
  [
    'C',
    'password',
    '$scrypt$ln=16,r=8,p=1$MTIzNDU2Nzg$NuB+vs2zc0fb2UzIRwwAV6ZWb3St8+X9IedYI1gQsoo',
  ],
  [
    'Z',
    'password',
    '$scrypt$ln=16,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ',
  ],
  [
    'P',
    'password',
    '$scrypt$ln=8,r=2,p=1$dO6d0xoDoLT2PofQGoNQag$g/Wf2A0vhHhaJM+addK61QPBthSmYB6uVTtQzh8CM3o',
  ],
  [
    'P',
    'nacl',
    '$scrypt$ln=1,r=4,p=2$yhnD+J+Tci4lZCwFgHCuVQ$fAsEWmxSHuC0cHKMwKVFPzrQukgvK09Sj+NueTSxKds',
  ],
  [
    'S',
    'pleaseletmein',
    '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI',
  ],
  ['Z', 'password', '$pbkdf2$12$cmFuZG9tc2FsdGlzaGFyZA$mwUqsMixIYMc/0eN4v1.l3SVDpk'],
  [
    'P',
    'password',
    '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ',
  ],
  // The same as a PHC string.
  [
    'P',
    'password',
    '$pbkdf2-sha256$i=1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg+fJPeq1h/gXXY7acBp9/6c+tmQ',
  ],
  [
    'P',
    'password',
    '$pbkdf2-sha256$i=1212,l=32$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg+fJPeq1h/gXXY7acBp9/6c+tmQ',
  ],
  [
    'P',
    '\u0399\u03c9\u03b1\u03bd\u03bd\u03b7\u03c2',
    '$pbkdf2-sha512$1212$KkbvoKGsAIcF8IslDR6skQ$8be/PRmd88Ps8fmPowCJttH9G3vgxpG.Krjt3KT.NP6cKJ0V4Prarqf.HBwz0dCkJ6xgWnSj2ynXSV7MlvMa8Q',
  ],
  [
    'P',
    'not a password',
    'pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=',
  ],
  ['P', 'not a password', 'pbkdf2_sha1$10000$wz5B6WkasRoF$atJmJ1o+XfJxKq1+Nu1f1i57Z5I='],
]

function parse(text: string): PasswordHash {
  const parsed = parsePasswordHash(text)
  assert.ok(parsed.kind === 'password-hash', `${text}: ${JSON.stringify(parsed)}`)
  return parsed.hash
}

function faultOf(text: string): PasswordHashFault | undefined {
  const parsed = parsePasswordHash(text)
  return parsed.kind === 'faulty' ? parsed.why : undefined
}

test('a hash of another implementation matches its password and no other', async () => {
  assert.ok(vectors.length >= 20)
  for (const [, password, passwordHash] of vectors) {
    const hash = parse(passwordHash)
    assert.equal(await hash.matches(password), true, passwordHash)
    assert.equal(await hash.matches(`x${password}`), false, passwordHash)
  }
})

test('only argon2id of the present version has a cost to compare, the others are to be replaced', () => {
  const [present, ...others] = vectors.map(([, , passwordHash]) => parse(passwordHash).argon2idCost)
  assert.deepEqual(present, { memoryKib: 4096, passes: 3, lanes: 1 })
  for (const cost of others) assert.equal(cost, undefined)
  assert.equal(parse(argon2id({ version: 'v=16$' })).argon2idCost, undefined)
})

test('a changed digit of a digest matches nothing', async () => {
  for (const [, password, passwordHash] of vectors) {
    // Somewhere inside, where each character holds six bits.
    const at = passwordHash.length - 8
    const other = passwordHash[at] === 'A' ? 'B' : 'A'
    const changed = passwordHash.slice(0, at) + other + passwordHash.slice(at + 1)
    assert.equal(await parse(changed).matches(password), false, changed)
  }
})

test('what is cut off, padded or out of its alphabet is damaged', () => {
  for (const [, , passwordHash] of vectors) {
    const lastPart = passwordHash.lastIndexOf('$')
    const damaged = [
      passwordHash.slice(0, lastPart),
      passwordHash.slice(0, lastPart + 5),
      `${passwordHash}!`,
      `${passwordHash}$x`,
      passwordHash.replace(/.$/, 'é'),
      `${passwordHash}\n`,
      passwordHash + 'A'.repeat(600),
    ]
    for (const text of damaged) {
      assert.ok(['damaged', 'unknown-format'].includes(faultOf(text) ?? ''), text)
    }
  }
})

test('a format that is not known here is named so', () => {
  const unknown = [
    '',
    'password',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
    '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8',
    '$2x$05$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    '$2$05$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    '$argon2x$v=19$m=4096,t=3,p=1$cmFuZG9tc2FsdA$YMvo8AUoNtnKYGqeODruCg',
    'sha1$c2e86$0f75c5d7fbd100d587c127ef0b693cde611b4ada',
    'bcrypt_sha256$$2a$06$/3OeRpbOf8/l6nPPRdZPp.nRiyYqPobEZGdNRBWihQhiFDh1ws1tu',
  ]
  for (const text of unknown) assert.equal(faultOf(text), 'unknown-format', text)
})

function argon2id({ version = 'v=19$', cost = 'm=4096,t=3,p=1' } = {}): string {
  return `$argon2id$${version}${cost}$cmFuZG9tc2FsdGlzaGFyZA$DYojYpnUWSMmTtrkVXyaNWVGxLmGe1n8VJBPDdFkbjU`
}

function scrypt(cost: string): string {
  return `$scrypt$${cost}$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ`
}

function pbkdf2(name: string, iterations: string): string {
  const digest = 'A'.repeat(43)
  return `$${name}$${iterations}$cmFuZG9tc2FsdGlzaGFyZA$${digest}`
}

test('a hostile cost is refused when it is read, so that no check can take minutes or all memory', () => {
  const hostile = [
    argon2id({ cost: 'm=4294967295,t=1,p=1' }),
    argon2id({ cost: 'm=262145,t=1,p=1' }),
    argon2id({ cost: 'm=262144,t=5,p=1' }),
    argon2id({ cost: 'm=8,t=4294967295,p=1' }),
    argon2id({ cost: 'm=4096,t=1,p=255' }),
    '$2b$15$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    '$2b$31$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    scrypt('ln=19,r=8,p=1'),
    scrypt('ln=63,r=8,p=1'),
    scrypt('ln=1024,r=8,p=1'),
    scrypt('ln=14,r=1073741823,p=1'),
    scrypt('ln=16,r=8,p=5'),
    scrypt('ln=1,r=8,p=131072'),
    pbkdf2('pbkdf2-sha256', '3000001'),
    pbkdf2('pbkdf2-sha256', 'i=9999999999'),
    // Two blocks of SHA-1, which take all iterations twice.
    pbkdf2('pbkdf2', '1500001'),
    'pbkdf2_sha256$3000001$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=',
  ]
  for (const text of hostile) assert.equal(faultOf(text), 'too-costly', text)
})

test('what OWASP, RFC 9106, passlib and Django ask for is not too much', () => {
  const usual = [
    argon2id({ cost: 'm=65536,t=3,p=4' }),
    argon2id({ cost: 'm=47104,t=1,p=1' }),
    argon2id({ cost: 'm=102400,t=2,p=8' }),
    '$2b$14$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    scrypt('ln=17,r=8,p=1'),
    scrypt('ln=15,r=8,p=3'),
    pbkdf2('pbkdf2-sha256', 'i=1500000'),
    pbkdf2('pbkdf2', '1300000'),
  ]
  for (const text of usual) assert.equal(faultOf(text), undefined, text)
})

test('numbers that are none, or make no sense, are damage', () => {
  const damaged = [
    argon2id({ cost: 'm=0,t=3,p=1' }),
    argon2id({ cost: 'm=7,t=1,p=1' }),
    argon2id({ cost: 'm=4096,t=0,p=1' }),
    argon2id({ cost: 'm=4096,t=3,p=0' }),
    argon2id({ cost: 'm=04096,t=3,p=1' }),
    argon2id({ cost: 'm=99999999999,t=3,p=1' }),
    argon2id({ cost: 'm=4096,t=3' }),
    argon2id({ cost: 'm=4096,t=3,p=1,keyid=AAAA' }),
    argon2id({ version: 'v=18$' }),
    '$2b$03$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    // Unused bits of the salt and of the digest, which an early passlib set.
    '$2a$04$oaQbBqq8JnSM1NHRPQGXORY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO',
    '$2a$04$yjDgE74RJkeqC0/1NheSSOrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIV',
    '$2b$5$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O',
    scrypt('ln=0,r=8,p=1'),
    scrypt('ln=16,r=1,p=1'),
    scrypt('ln=14,r=0,p=1'),
    scrypt('ln=14,r=8,p=0'),
    scrypt('ln=1e3,r=8,p=1'),
    pbkdf2('pbkdf2-sha256', '0'),
    pbkdf2('pbkdf2-sha256', 'i=-1'),
    pbkdf2('pbkdf2-sha384', '1212'),
    // A digest of four octets would match by chance.
    '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF6w',
    '$pbkdf2-sha256$1212$$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ',
  ]
  for (const text of damaged) assert.equal(faultOf(text), 'damaged', text)
})
