import { writeFileSync } from 'node:fs'
import { commonPasswordsPath, commonPasswordsSource } from './common-passwords.ts'

writeFileSync(commonPasswordsPath, commonPasswordsSource())
