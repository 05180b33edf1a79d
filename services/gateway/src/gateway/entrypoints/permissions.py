"""What permissions are called where people read them."""

# In the order in which a person looks for them.
WORDS = {
    "clients.read": "See clients",
    "clients.write": "Add, change and delete clients",
    "deals.read": "See deals and the pipeline",
    "deals.write": "Add, change, move and delete deals",
    "activities.read": "See activities",
    "activities.write": "Plan activities and tick them off",
    "analytics.read": "See analytics, forecasts and risks",
    "exports.write": "Take lists out as files",
    "imports.read": "See imports",
    "imports.write": "Bring clients and deals in from files",
    "members.read": "See who belongs to the workspace",
    "members.write": "Invite, change and remove members, and make roles",
    "settings.write": "Set up stages, fields, tags and rates",
    "workspace.read": "See the workspace's settings",
    "workspace.write": "Change the workspace's name, currency and time zone",
    "audit.read": "Read the audit log",
    "workspace.export": "Take all of the workspace out",
    "workspace.delete": "Delete the workspace",
}
