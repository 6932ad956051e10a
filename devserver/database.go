package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	persistencepb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/serialization"
	sqlstore "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute/sadefs"
	"go.temporal.io/server/schema/sqlite"
)

// openDatabase returns a database with the schema of this server, the namespaces and their search attributes.
func openDatabase(o options) (*config.SQL, error) {
	conf := &config.SQL{PluginName: sqliteplugin.PluginName, ConnectAttributes: map[string]string{}}
	for _, text := range o.pragmas {
		name, value, err := pair(text)
		if err != nil {
			return nil, err
		}
		conf.ConnectAttributes[name] = value
	}
	if err := prepareSchema(conf, o.dbFile); err != nil {
		return nil, err
	}
	attributes, err := attributeTypes(o.attributes)
	if err != nil {
		return nil, err
	}
	for _, name := range o.namespaces {
		if err := prepareNamespace(conf, name, attributes); err != nil {
			return nil, fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	return conf, nil
}

// prepareSchema names the database in conf, and makes or upgrades the file's schema.
func prepareSchema(conf *config.SQL, file string) error {
	if file == "" {
		conf.ConnectAttributes["mode"] = "memory" // the plugin makes the schema itself
		conf.ConnectAttributes["cache"] = "shared"
		conf.DatabaseName = fmt.Sprintf("temporal-%d", os.Getpid())
		return nil
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	conf.ConnectAttributes["mode"] = "rwc"
	conf.DatabaseName = escaped(file)
	found, err := os.Stat(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err != nil || found.Size() == 0 {
		if err := sqlite.SetupSchema(conf); err != nil {
			return fmt.Errorf("cannot make the database %s: %w", file, err)
		}
		return stamp(file)
	}
	return upgrade(file)
}

// escaped returns a path as it must stand in a SQLite URI.
func escaped(file string) string {
	return (&url.URL{Path: file}).EscapedPath()
}

// attributeTypes reads NAME=TYPE.
func attributeTypes(texts list) (map[string]enums.IndexedValueType, error) {
	types := map[string]enums.IndexedValueType{}
	for _, text := range texts {
		name, kind, err := pair(text)
		if err != nil {
			return nil, err
		}
		if types[name], err = enums.IndexedValueTypeFromString(kind); err != nil {
			return nil, fmt.Errorf("search attribute %s: %w", name, err)
		}
	}
	return types, nil
}

// prepareNamespace creates a namespace where it is missing, and in it the attributes that are missing.
func prepareNamespace(conf *config.SQL, name string, wanted map[string]enums.IndexedValueType) error {
	fresh, err := sqlite.NewNamespaceConfig(clusterName, name, false, nil)
	if err != nil {
		return err
	}
	if err := sqlite.CreateNamespaces(conf, fresh); err != nil {
		return err
	}
	db, err := sqlstore.NewSQLDB(
		sqlplugin.DbKindMain, conf, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.SelectFromNamespace(context.Background(), sqlplugin.NamespaceFilter{Name: &name})
	if err != nil {
		return err
	}
	return addAttributes(db, rows[0], wanted)
}

// addAttributes writes the missing aliases into a namespace's row; the server reads it when it starts.
func addAttributes(db sqlplugin.DB, row sqlplugin.NamespaceRow, wanted map[string]enums.IndexedValueType) error {
	serializer := serialization.NewSerializer()
	encoding, err := enums.EncodingTypeFromString(row.DataEncoding)
	if err != nil {
		return err
	}
	detail, err := serializer.NamespaceDetailFromBlob(&commonpb.DataBlob{EncodingType: encoding, Data: row.Data})
	if err != nil {
		return err
	}
	changed, err := alias(detail.Config, wanted)
	if err != nil || !changed {
		return err
	}
	blob, err := serializer.NamespaceDetailToBlob(detail)
	if err != nil {
		return err
	}
	row.Data, row.DataEncoding = blob.GetData(), blob.GetEncodingType().String()
	_, err = db.UpdateNamespace(context.Background(), &row)
	return err
}

// alias gives each wanted name that has none yet a free column of its type, and says whether it changed anything.
func alias(conf *persistencepb.NamespaceConfig, wanted map[string]enums.IndexedValueType) (bool, error) {
	columns := sadefs.GetDBIndexSearchAttributes(nil).CustomSearchAttributes
	if conf.CustomSearchAttributeAliases == nil {
		conf.CustomSearchAttributeAliases = map[string]string{}
	}
	held := map[string]string{}
	for column, name := range conf.CustomSearchAttributeAliases {
		held[name] = column
	}
	changed := false
	for name, kind := range wanted {
		if column, found := held[name]; found {
			if columns[column] != kind {
				return false, fmt.Errorf("search attribute %s has the type %s, not %s", name, columns[column], kind)
			}
			continue
		}
		column := freeColumn(columns, conf.CustomSearchAttributeAliases, kind)
		if column == "" {
			return false, fmt.Errorf("no column is left for search attribute %s of type %s", name, kind)
		}
		conf.CustomSearchAttributeAliases[column] = name
		changed = true
	}
	return changed, nil
}

// freeColumn returns the first column of a type that has no name yet, or nothing.
func freeColumn(columns map[string]enums.IndexedValueType, taken map[string]string, kind enums.IndexedValueType) string {
	free := []string{}
	for column, columnKind := range columns {
		if columnKind == kind && taken[column] == "" {
			free = append(free, column)
		}
	}
	slices.Sort(free)
	if len(free) == 0 {
		return ""
	}
	return free[0]
}
