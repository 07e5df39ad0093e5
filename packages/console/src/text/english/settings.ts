export const settings = {
  title: 'Settings',
  text: 'Those of the node that has answered. Nobody changes them from here: they are in the settings file and the environment, and of secrets it is only said whether they are set.',
  search: 'Name holds',
  inForce: 'In force',
  columns: { name: 'Setting', value: 'Value', source: 'From' },
  audiences: 'Audiences',
  audienceColumns: {
    name: 'Audience',
    scopes: 'Scopes',
    roles: 'Roles',
    lifetime: 'Tokens live for',
    algorithms: 'Signed with',
  },
  seconds: (count: number): string => `${count} s`,
  roles: 'Roles',
  roleColumns: { name: 'Role', grants: 'Grants' },
  builtIn: 'built in',
}
