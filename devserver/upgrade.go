package main

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
)

// Temporal ships no migrations for SQLite, only the newest schema. So a file whose schema is another one is copied,
// table by table, into a file that has the newest, and is kept beside it under oldSuffix. SQLite's user_version, which
// the server leaves alone, holds the version of the server that wrote the file last.

const (
	oldSuffix = ".old"
	newSuffix = ".new"
	// Kept in memory: a database with nothing but this server's schema.
	referenceName = "relaunch-reference"
	referenceURI  = "file:" + referenceName + "?mode=memory&cache=shared"
)

// object is one table, index or trigger of a schema.
type object struct {
	kind, name, sql string
}

// connect opens one single connection, so that ATTACH holds for every statement.
func connect(uri string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", uri)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// serverNumber returns this server's version as one number: 1.32.0 is 1032000.
func serverNumber() int {
	var major, minor, patch int
	fmt.Sscanf(headers.ServerVersion, "%d.%d.%d", &major, &minor, &patch)
	return major*1_000_000 + minor*1_000 + patch
}

// pragma executes one on a file.
func pragma(file, text string) error {
	db, err := connect("file:" + escaped(file))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("PRAGMA " + text)
	return err
}

// stamp writes this server's version into a file.
func stamp(file string) error {
	return pragma(file, fmt.Sprintf("user_version = %d", serverNumber()))
}

// checkpoint moves the write-ahead log, if there is one, into the database file, which is whole without it then.
func checkpoint(file string) error {
	if file == "" {
		return nil
	}
	return pragma(file, "wal_checkpoint(TRUNCATE)")
}

// upgrade brings a database file to this server's schema; it refuses one that a newer server has written.
func upgrade(file string) error {
	reference := &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: referenceName,
		ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"}}
	if err := sqlite.CreateNamespaces(reference); err != nil { // creates none; the plugin makes the schema
		return err
	}
	wanted, _, err := inspect(referenceURI)
	if err != nil {
		return err
	}
	found, version, err := inspect("file:" + escaped(file))
	if err != nil {
		return fmt.Errorf("%s is no readable database (%w); move it away to start afresh", file, err)
	}
	switch {
	case version > serverNumber():
		return fmt.Errorf("%s was written by a newer server than %s; update, or move the file away to start afresh",
			file, headers.ServerVersion)
	case !maps.Equal(index(wanted), index(found)):
		if err := rewrite(file, wanted); err != nil {
			return fmt.Errorf("cannot upgrade %s: %w; move it away to start afresh", file, err)
		}
		return nil
	case version < serverNumber():
		return stamp(file)
	}
	return nil
}

// inspect returns the schema of a database in the order in which it was made, and its user_version.
func inspect(uri string) ([]object, int, error) {
	db, err := connect(uri)
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	version := 0
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return nil, 0, err
	}
	rows, err := db.Query("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	objects := []object{}
	for rows.Next() {
		o := object{}
		if err := rows.Scan(&o.kind, &o.name, &o.sql); err != nil {
			return nil, 0, err
		}
		objects = append(objects, o)
	}
	return objects, version, rows.Err()
}

// index maps the objects by kind and name to their definition, however that is spaced.
func index(objects []object) map[string]string {
	found := map[string]string{}
	for _, o := range objects {
		found[o.kind+" "+o.name] = strings.Join(strings.Fields(o.sql), " ")
	}
	return found
}

// rewrite copies the file into one with the wanted schema and puts that in its place.
func rewrite(file string, wanted []object) error {
	if err := pragma(file, "journal_mode = DELETE"); err != nil { // ends the write-ahead log of a killed server
		return err
	}
	fresh := file + newSuffix
	if err := os.RemoveAll(fresh); err != nil { // left by an upgrade that was interrupted
		return err
	}
	if err := fill(fresh, file, wanted); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Rename(file, file+oldSuffix); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

// fill makes a file with the wanted schema and the rows of the old file; tables new to it get the rows they begin with.
func fill(fresh, old string, wanted []object) error {
	db, err := connect("file:" + escaped(fresh))
	if err != nil {
		return err
	}
	defer db.Close()
	for name, uri := range map[string]string{"old": "file:" + escaped(old), "reference": referenceURI} {
		if _, err := db.Exec("ATTACH ? AS "+name, uri); err != nil {
			return err
		}
	}
	statements := []string{"BEGIN"}
	for _, o := range wanted {
		if !shadow(o, wanted) {
			statements = append(statements, o.sql)
		}
	}
	for _, o := range wanted {
		if o.kind != "table" || virtual(o) || shadow(o, wanted) {
			continue
		}
		statement, err := copyRows(db, o.name)
		if err != nil {
			return err
		}
		statements = append(statements, statement)
	}
	statements = append(statements, fmt.Sprintf("PRAGMA user_version = %d", serverNumber()), "COMMIT")
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// virtual tells whether a table is one of the full-text indexes; triggers fill them.
func virtual(o object) bool {
	return strings.HasPrefix(o.sql, "CREATE VIRTUAL TABLE")
}

// shadow tells whether a table belongs to a full-text index, which makes it itself.
func shadow(o object, all []object) bool {
	return o.kind == "table" && slices.ContainsFunc(all, func(other object) bool {
		return virtual(other) && strings.HasPrefix(o.name, other.name+"_")
	})
}

// copyRows returns the statement that fills a table; columns that are computed compute themselves.
func copyRows(db *sql.DB, table string) (string, error) {
	source := "old"
	known, err := columns(db, source, table, "hidden <> 1")
	if err != nil {
		return "", err
	}
	wanted, err := columns(db, "reference", table, "hidden = 0")
	if err != nil {
		return "", err
	}
	if len(known) == 0 {
		source, known = "reference", wanted
	}
	shared := slices.DeleteFunc(wanted, func(column string) bool { return !slices.Contains(known, column) })
	names := strings.Join(shared, ", ")
	return fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM %s.%s", table, names, names, source, table), nil
}

// columns returns the quoted names of a table's columns, or none where there is no such table.
func columns(db *sql.DB, schema, table, where string) ([]string, error) {
	rows, err := db.Query("SELECT name FROM pragma_table_xinfo(?, ?) WHERE "+where, table, schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		name := ""
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, `"`+name+`"`)
	}
	return names, rows.Err()
}
