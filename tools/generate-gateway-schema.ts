import { writeFileSync } from 'node:fs'
import { gatewaySchemaPath, gatewaySchemaSource } from './gateway-schema.ts'

writeFileSync(gatewaySchemaPath, gatewaySchemaSource())
